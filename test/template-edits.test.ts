import { describe, expect, it } from 'vitest';
import { applyEdits, type TemplateEdit } from '../lambdas/template-edits/apply.ts';
import { parseTemplate } from '../lambdas/template-edits/document.ts';
import { defaultTemplateNames as names } from '../lambdas/template-edits/names.ts';
import { references } from '../lambdas/template-edits/references.ts';
import { switchEdits } from '../lambdas/template-edits/switch.ts';
import { Refused } from '../statemachine/errors.ts';
import { preparedTemplate } from './support/prepared-template.ts';

const template = preparedTemplate;
const oldImage = 'ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3';
const newImage = 'ghcr.io/unicitynetwork/unicity-relay:pg-migration';
const edits = switchEdits(names, newImage);

const removedBlocks = [
  `      Volumes:
        - Name: zooid-data
          EFSVolumeConfiguration:
            FilesystemId: !Ref EFSFileSystem
            TransitEncryption: ENABLED
            AuthorizationConfig:
              AccessPointId: !Ref EFSAccessPoint
              IAM: ENABLED
`,
  `            - Name: DATA
              Value: /app/data
`,
];
const mountPoints = `          MountPoints:
            - SourceVolume: zooid-data
              ContainerPath: /app/data
              ReadOnly: false
`;
const secrets = `          Secrets:
            - Name: DATABASE_URL
              ValueFrom: !Ref RelayDatabaseUrl
`;
const dependencies = '      - EFSMountTarget1\n      - EFSMountTarget2\n';

/** The edited template as a person would write it: first occurrences only, as the migration's task definition has its own. */
function byHand(text: string): string {
  const cut = removedBlocks.reduce((rest, block) => rest.replace(block, ''), text);
  return cut.replace(oldImage, newImage).replace(mountPoints, secrets).replace(dependencies, '');
}

function change(from: string, to: string): string {
  expect(template).toContain(from);
  return template.replace(from, to);
}

function refusal(text: string, list: TemplateEdit[] = edits): string {
  try {
    applyEdits(text, list);
  } catch (error) {
    expect(error).toBeInstanceOf(Refused);
    return (error as Error).message;
  }
  return 'not refused';
}

describe('the edits of the switch', () => {
  it('are the six of runbook step 5d, in its order', () => {
    expect(edits.map(({ runbook, title }) => `${runbook} ${title}`)).toEqual([
      '5d.1 Set the default of ContainerImage to the new image',
      '5d.2 Add the secret DATABASE_URL to the container',
      '5d.3 Remove the variable DATA from the container',
      '5d.4 Remove the mount points from the container',
      '5d.5 Remove the volumes from the task definition',
      '5d.6 Remove the mount targets from what the service depends on',
    ]);
  });

  it('leave every line that they do not name as it was, byte for byte', () => {
    const result = applyEdits(template, edits);
    expect(result.applied).toEqual(edits.map(({ title }) => title));
    expect(result.text.split('\n')).toEqual(byHand(template).split('\n'));
  });

  it('change nothing when they are applied again', () => {
    const once = applyEdits(template, edits).text;
    expect(applyEdits(once, edits)).toEqual({ text: once, applied: [] });
  });

  it('go on from where a part of them was applied', () => {
    const part = applyEdits(template, edits.slice(0, 3));
    const rest = applyEdits(part.text, edits);
    expect(rest.applied).toEqual(edits.slice(3).map(({ title }) => title));
    expect(rest.text).toBe(byHand(template));
  });

  it('leave the migration task definition with its volume and its mount', () => {
    const before = parseTemplate(template).model.Resources.MigrationTaskDefinition;
    expect(parseTemplate(applyEdits(template, edits).text).model.Resources.MigrationTaskDefinition).toEqual(before);
  });

  it('keep the line ends of a template from Windows', () => {
    const windows = template.replaceAll('\n', '\r\n');
    expect(applyEdits(windows, edits).text).toBe(byHand(template).replaceAll('\n', '\r\n'));
  });

  it('keep comments, also those between and behind what goes', () => {
    const commented = template
      .replace(
        '            - Name: DATA\n',
        '            # where SQLite lies\n            - Name: DATA # a directory\n',
      )
      .replace('      Volumes:\n        - Name: zooid-data\n', '      Volumes: # one\n        - Name: zooid-data\n')
      .replace('      - EFSMountTarget2\n', '      - EFSMountTarget2 # second zone\n      # nothing more\n')
      .replace(mountPoints, `${mountPoints}              # that was all\n\n`)
      .replace(`Default: ${oldImage}`, `Default: '${oldImage}' # pinned`);
    const edited = applyEdits(commented, edits).text;
    const expected = byHand(template)
      .replace('            - Name: MEDIA\n', '            # where SQLite lies\n            - Name: MEDIA\n')
      .replace('      - ALBListenerHTTPS\n', '      - ALBListenerHTTPS\n      # nothing more\n')
      .replace(secrets, `${secrets}              # that was all\n\n`)
      .replace(`Default: ${newImage}`, `Default: '${newImage}' # pinned`);
    expect(edited).toBe(expected);
  });

  it('work on the last lines of a file without a final line break', () => {
    const tail =
      '  ZooidRelayService:\n    Type: AWS::ECS::Service\n    DependsOn:\n      - EFSMountTarget1\n      - EFSMountTarget2';
    const start = template.indexOf('  ZooidRelayService:');
    const shortened = `${template.slice(0, start).replace('Resources:', 'Outputs: {}\n\nResources:')}${tail}`;
    const { text } = applyEdits(shortened, edits);
    expect(text.endsWith('  ZooidRelayService:\n    Type: AWS::ECS::Service\n')).toBe(true);
  });

  it('add the secret to a list of secrets that is there already, indented as it is', () => {
    const withSecret = change(
      '          MountPoints:\n',
      '          Secrets:\n          - Name: TOKEN\n            ValueFrom: arn:token\n          MountPoints:\n',
    );
    expect(applyEdits(withSecret, edits).text).toContain(
      '          Secrets:\n          - Name: TOKEN\n            ValueFrom: arn:token\n          - Name: DATABASE_URL\n            ValueFrom: !Ref RelayDatabaseUrl\n',
    );
  });

  it('take DependsOn away when nothing remains in it', () => {
    const only = change('      - ALBListenerHTTPS\n', '');
    expect(parseTemplate(applyEdits(only, edits).text).model.Resources.ZooidRelayService).not.toHaveProperty(
      'DependsOn',
    );
  });

  it('understand a DependsOn that is one name', () => {
    const single = change(
      `    DependsOn:\n      - ALBListenerHTTPS\n${dependencies}`,
      '    DependsOn: EFSMountTarget1\n',
    );
    expect(applyEdits(single, edits).text).not.toContain('DependsOn: EFSMountTarget1');
    const other = change(
      `    DependsOn:\n      - ALBListenerHTTPS\n${dependencies}`,
      '    DependsOn: ALBListenerHTTPS\n',
    );
    expect(applyEdits(other, edits).applied).not.toContain(edits[5]?.title);
  });

  it('give a parameter without a default one', () => {
    const bare = change(`    Default: ${oldImage}\n`, '');
    expect(applyEdits(bare, edits).text).toBe(byHand(template));
  });

  it('take other names from the settings', () => {
    const renamed = template
      .replaceAll('ZooidRelayTaskDefinition', 'OtherTask')
      .replaceAll('- Name: zooid-relay\n', '- Name: other\n');
    const list = switchEdits({ ...names, taskDefinition: 'OtherTask', container: 'other' }, newImage);
    expect(applyEdits(renamed, list).applied).toHaveLength(6);
  });

  it('refuse an image that is none', () => {
    expect(() => switchEdits(names, 'not an image')).toThrow(
      'The new image "not an image" is no image reference. Expected registry/name:tag or registry/name@sha256:digest. Correct the setting and start again.',
    );
  });
});

describe('an edit that cannot be applied', () => {
  it('refuses a container of another name, and says which there are', () => {
    expect(refusal(change('        - Name: zooid-relay\n', '        - Name: relay\n'))).toBe(
      '"Add the secret DATABASE_URL to the container" (runbook 5d.2) cannot be applied: Resources.ZooidRelayTaskDefinition.Properties.ContainerDefinitions holds the containers: relay. Expected one container named zooid-relay. Check the names in the settings against the template of the stack.',
    );
  });

  it.each([
    [
      'a parameter that is not there',
      '  ContainerImage:\n',
      '  Image:\n',
      /would|no mapping Parameters.ContainerImage/,
    ],
    [
      'a secret that is not there',
      '  RelayDatabaseUrl:\n',
      '  OtherUrl:\n',
      /there is no resource RelayDatabaseUrl.*Run prepare/,
    ],
    [
      'the URL in plain text',
      '            - Name: PORT\n',
      '            - Name: DATABASE_URL\n              Value: postgres://u:p@h/d\n            - Name: PORT\n',
      /has DATABASE_URL as a plain variable/,
    ],
    [
      'the secret from elsewhere',
      mountPoints,
      `          Secrets:\n            - Name: DATABASE_URL\n              ValueFrom: arn:other\n${mountPoints}`,
      /the secret DATABASE_URL comes from elsewhere/,
    ],
    [
      'another mount beside the database',
      '              ReadOnly: false\n',
      '              ReadOnly: false\n            - SourceVolume: media\n              ContainerPath: /app/media\n',
      /mounts 1 more beside the volume zooid-data/,
    ],
    [
      'another volume beside the database',
      '      Volumes:\n',
      '      Volumes:\n        - Name: scratch\n',
      /has volumes beside zooid-data/,
    ],
    [
      'a volume that a second container mounts',
      '              awslogs-stream-prefix: zooid-relay\n',
      '              awslogs-stream-prefix: zooid-relay\n        - Name: sidecar\n          MountPoints:\n            - SourceVolume: zooid-data\n',
      /still mounted by the container sidecar/,
    ],
    [
      'mount points on the line of the list item',
      '        - Name: zooid-relay\n          Image: !Ref ContainerImage\n',
      '        - MountPoints:\n            - SourceVolume: zooid-data\n          Name: zooid-relay\n          Image: !Ref ContainerImage\n',
      /DUPLICATE_KEY|not valid YAML/,
    ],
    [
      'a variable that is no list',
      '          Environment:\n            - Name: PORT',
      '          Environment: 5\n          Other:\n            - Name: PORT',
      /Environment is not a list/,
    ],
  ])('refuses %s', (_, from, to, message) => {
    expect(refusal(change(from, to))).toMatch(message);
  });

  it('refuses a key that shares its line with the dash of its item', () => {
    const moved = template
      .replace(mountPoints, '')
      .replace(
        '        - Name: zooid-relay\n',
        '        - MountPoints:\n            - SourceVolume: zooid-data\n          Name: zooid-relay\n',
      );
    expect(refusal(moved)).toMatch(/MountPoints shares its line with what stands before it/);
  });

  it('refuses text that is no YAML, without repeating any of it', () => {
    const broken = change('  ContainerImage:\n', '  ContainerImage: [secret\n');
    const message = refusal(broken);
    expect(message).toMatch(/^The template is not valid YAML: \w+ at line \d+, column \d+\. Expected a CloudFormation/);
    expect(message).not.toContain('secret');
  });

  it('refuses a text without resources', () => {
    expect(refusal('hello: world\n')).toMatch(/^The template has no section "Resources"\./);
  });

  it('refuses the work of an edit that leaves references to nothing', () => {
    const harm = {
      title: 'Harm',
      runbook: '0',
      apply: (text: string) => text.replace('  EFSFileSystem:\n', '  Gone:\n'),
    };
    expect(refusal(template, [harm])).toMatch(
      /^"Harm" \(runbook 0\) would leave references to nothing: EFSMountTarget1 -> EFSFileSystem/,
    );
  });

  it('refuses the work of an edit that never comes to rest', () => {
    const restless = { title: 'Restless', runbook: '0', apply: (text: string) => `${text}# again\n` };
    expect(refusal(template, [restless])).toMatch(/^"Restless" \(runbook 0\) does not come to rest/);
  });
});

describe('the reader of templates', () => {
  it('writes short forms out', () => {
    const { model } = parseTemplate(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of Fn::Sub
      "Resources:\n  A:\n    Type: T\n    Properties:\n      B: !GetAtt C.D.E\n      F: !Sub ['${x}-${C.D}-${!lit}', {x: !Ref G}]\n      H: !Select [0, !GetAZs '']\n      V: 2012-10-17\n",
    );
    const properties = {
      B: { 'Fn::GetAtt': ['C', 'D.E'] },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of Fn::Sub
      F: { 'Fn::Sub': ['${x}-${C.D}-${!lit}', { x: { Ref: 'G' } }] },
      H: { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
      V: '2012-10-17',
    };
    expect(model.Resources.A).toEqual({ Type: 'T', Properties: properties });
    expect(references(properties)).toEqual([
      { name: 'C', attribute: 'D.E' },
      { name: 'C', attribute: 'D' },
      { name: 'G' },
    ]);
  });
});
