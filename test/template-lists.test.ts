import { diffLines } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../lambdas/template-edits/document.ts';
import { EDIT_LISTS, type EditListName } from '../lambdas/template-edits/lists.ts';
import { readRecord } from '../lambdas/template-edits/record.ts';
import type { Json, JsonObject } from '../statemachine/asl.ts';
import { Refused } from '../statemachine/errors.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { bundledTemplate, preparedTemplate } from './support/prepared-template.ts';

const settings = parseSettings();

function apply(name: EditListName, text: string, over: Partial<typeof settings> = {}) {
  const list = EDIT_LISTS.find((one) => one.name === name);
  if (list === undefined) throw new Error(name);
  return list.apply(text, { ...settings, ...over });
}

function refusal(name: EditListName, text: string): string {
  try {
    apply(name, text);
  } catch (error) {
    expect(error).toBeInstanceOf(Refused);
    return (error as Error).message;
  }
  return 'not refused';
}

const resourcesOf = (text: string) => parseTemplate(text).model.Resources;
const propertiesOf = (text: string, name: string) => resourcesOf(text)[name]?.Properties as JsonObject;
const switched = apply('switch', preparedTemplate).text;
/** The same template in the other forms that CloudFormation takes. */
const sections = parseTemplate(bundledTemplate).model.sections;
const FORMS: [string, string][] = [
  ['YAML', bundledTemplate],
  ['YAML from Windows', bundledTemplate.replaceAll('\n', '\r\n')],
  ['YAML without a last line break', bundledTemplate.trimEnd()],
  ['JSON', `${JSON.stringify(sections, null, 2)}\n`],
  ['JSON with tabs', JSON.stringify(sections, null, '\t')],
  ['minified JSON', JSON.stringify(sections)],
];

describe.each(FORMS)('the lists of edits, on %s', (_, text) => {
  const prepared = apply('add-rds', text);
  const after = apply('switch', prepared.text);

  it('mean the same in every form', () => {
    expect(parseTemplate(prepared.text).model).toEqual(parseTemplate(preparedTemplate).model);
    const { Metadata: _metadata, ...others } = parseTemplate(after.text).model.sections;
    const { Metadata: _same, ...expected } = parseTemplate(switched).model.sections;
    expect(others).toEqual(expected);
  });

  it('change nothing when they are applied again', () => {
    expect(apply('add-rds', prepared.text)).toEqual({ text: prepared.text, applied: [] });
    expect(apply('switch', after.text)).toEqual({ text: after.text, applied: [] });
    expect(apply('add-rds', after.text)).toEqual({ text: after.text, applied: [] });
    const clean = apply('remove-efs', after.text);
    expect(apply('remove-efs', clean.text)).toEqual({ text: clean.text, applied: [] });
    expect(apply('back', prepared.text)).toEqual({ text: prepared.text, applied: [] });
  });

  it('go back byte for byte', () => {
    expect(apply('back', after.text)).toEqual({ text: prepared.text, applied: ['Put back what the switch took out'] });
  });

  it('leave nothing of EFS, and nothing that refers to it', () => {
    const clean = apply('remove-efs', after.text).text;
    const { model } = parseTemplate(clean);
    expect(Object.keys(model.Resources).filter((name) => /EFS|Migration|Rollback/.test(name))).toEqual([]);
    expect(Object.keys(model.Outputs)).not.toContain('EFSFileSystemId');
    expect(model.Resources.ECSTaskRole?.Properties).not.toHaveProperty('Policies');
    expect(/EFS(File|Mount|Access|Security)|RelayCutover/.test(clean)).toBe(false);
  });
});

/** Lines that went, and lines that came. */
function changedLines(before: string, after: string): { gone: string[]; come: string[] } {
  const changes = diffLines(before, after);
  const lines = (pick: 'added' | 'removed') =>
    changes.filter((change) => change[pick]).flatMap(({ value }) => value.split('\n').slice(0, -1));
  return { gone: lines('removed'), come: lines('added') };
}

describe('the list add-rds', () => {
  it('takes one line away, the count that becomes a parameter, and adds all others', () => {
    const { gone } = changedLines(bundledTemplate, preparedTemplate);
    expect(gone).toEqual(['      DesiredCount: 1']);
  });

  it('adds every resource and property of runbook step 3', () => {
    expect(propertiesOf(preparedTemplate, 'RDSInstance')).toEqual({
      DBInstanceIdentifier: { 'Fn::Sub': `\${AWS::StackName}-db` },
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      EngineVersion: '16',
      DBName: 'zooid',
      MasterUsername: 'zooid',
      MasterUserPassword: { 'Fn::Sub': `{{resolve:secretsmanager:\${RDSPassword}:SecretString}}` },
      AllocatedStorage: 20,
      StorageType: 'gp3',
      StorageEncrypted: true,
      VPCSecurityGroups: [{ Ref: 'RDSSecurityGroup' }],
      DBSubnetGroupName: { Ref: 'RDSSubnetGroup' },
      PubliclyAccessible: false,
      MultiAZ: false,
      BackupRetentionPeriod: 7,
      DeletionProtection: true,
      EnableIAMDatabaseAuthentication: true,
      Tags: [{ Key: 'Name', Value: { 'Fn::Sub': `\${AWS::StackName}-rds` } }],
    });
    expect(resourcesOf(preparedTemplate).RDSInstance).toMatchObject({ DeletionPolicy: 'Snapshot' });
    expect(propertiesOf(preparedTemplate, 'RDSSubnetGroup').SubnetIds).toEqual([
      { Ref: 'PublicSubnet1' },
      { Ref: 'PublicSubnet2' },
    ]);
    expect(propertiesOf(preparedTemplate, 'RDSSecurityGroup').SecurityGroupIngress).toEqual([
      { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, SourceSecurityGroupId: { Ref: 'ECSSecurityGroup' } },
    ]);
    expect(parseTemplate(preparedTemplate).model.Outputs.RDSEndpoint).toEqual({
      Description: 'RDS PostgreSQL endpoint',
      Value: { 'Fn::GetAtt': ['RDSInstance', 'Endpoint.Address'] },
      Export: { Name: { 'Fn::Sub': `\${AWS::StackName}-rds-endpoint` } },
    });
    expect(resourcesOf(preparedTemplate).EFSFileSystem).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  it('lets the migrator read the file system, and the way back alone write to it', () => {
    for (const [name, family, readOnly] of [
      ['MigrationTaskDefinition', 'migrate', true],
      ['RollbackTaskDefinition', 'rollback', false],
    ] as const) {
      const { Family, Volumes, ContainerDefinitions } = propertiesOf(preparedTemplate, name);
      expect(Family).toEqual({ 'Fn::Sub': `\${AWS::StackName}-${family}` });
      expect(Volumes).toEqual(propertiesOf(preparedTemplate, 'ZooidRelayTaskDefinition').Volumes);
      const [container, ...others] = ContainerDefinitions as [JsonObject];
      expect(others).toEqual([]);
      expect(container).toMatchObject({
        Environment: [{ Name: 'SQLITE_PATH', Value: '/app/data/db' }],
        Secrets: [{ Name: 'DATABASE_URL', ValueFrom: { Ref: 'RelayDatabaseUrl' } }],
        MountPoints: [{ SourceVolume: 'zooid-data', ContainerPath: '/app/data', ReadOnly: readOnly }],
      });
      expect(JSON.stringify(container)).toContain(`"awslogs-stream-prefix":"${family}"`);
    }
  });

  it('gives the migrator the size of the settings', () => {
    const migrationTask = { cpuUnits: 1024, memoryMebibytes: 4096, ephemeralStorageGibibytes: 50 };
    const { text } = apply('add-rds', bundledTemplate, { migrationTask });
    expect(propertiesOf(text, 'MigrationTaskDefinition')).toMatchObject({
      Cpu: '1024',
      Memory: '4096',
      EphemeralStorage: { SizeInGiB: 50 },
    });
    expect(propertiesOf(preparedTemplate, 'MigrationTaskDefinition')).not.toHaveProperty('EphemeralStorage');
  });

  /** Runbook step 3, made by hand. */
  const byHand = bundledTemplate
    .replace('Resources:\n', '  DBPassword:\n    Type: String\n    NoEcho: true\n    MinLength: 16\n\nResources:\n')
    .replace(
      '  ECSCluster:\n',
      `  RDSInstance:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      EngineVersion: '16'
      DBName: zooid
      MasterUsername: owner
      MasterUserPassword: !Ref DBPassword
      PubliclyAccessible: false

  ECSCluster:
`,
    );

  it('keeps the database and the password of an owner who has made step 3 by hand', () => {
    const { text, applied } = apply('add-rds', byHand);
    expect(applied).not.toContain('Add the resource RDSInstance');
    expect(applied).toContain('Let roles sign in to the database by IAM');
    expect(resourcesOf(text)).not.toHaveProperty('RDSPassword');
    expect(propertiesOf(text, 'RelayDatabaseUrl').SecretString).toEqual({
      'Fn::Sub': `postgres://owner:\${DBPassword}@\${RDSInstance.Endpoint.Address}:\${RDSInstance.Endpoint.Port}/zooid?sslmode=require`,
    });
    expect(propertiesOf(text, 'RDSInstance')).toMatchObject({
      MasterUserPassword: { Ref: 'DBPassword' },
      EnableIAMDatabaseAuthentication: true,
    });
  });

  it.each([
    ['another engine', byHand.replace('Engine: postgres', 'Engine: mysql'), /RDSInstance has the engine "mysql"/],
    [
      'a database that everybody reaches',
      byHand.replace('PubliclyAccessible: false', 'PubliclyAccessible: true'),
      /RDSInstance is publicly accessible/,
    ],
    [
      'a password in plain text, without repeating it',
      byHand.replace('MasterUserPassword: !Ref DBPassword', 'MasterUserPassword: hunter2'),
      /^(?!.*hunter2).*the password of RDSInstance is written out/,
    ],
    [
      'a password that changes by itself',
      byHand.replace('MasterUserPassword: !Ref DBPassword', 'ManageMasterUserPassword: true'),
      /the password of RDSInstance is managed by RDS/,
    ],
    [
      'two relays',
      bundledTemplate.replace('DesiredCount: 1', 'DesiredCount: 2'),
      /DesiredCount of ZooidRelayService is "2"/,
    ],
  ])('refuses %s', (_, text, message) => {
    expect(refusal('add-rds', text)).toMatch(message);
  });
});

describe('the list back', () => {
  it('keeps what was changed elsewhere since the switch, and brings the old image whatever the new one is now', () => {
    const alarm = '\n  Another:\n    Type: AWS::SNS::Topic\n';
    const later = switched
      .replace('Resources:\n', `Resources:${alarm}`)
      .replace(/^( {4}Default: \S+):pg-migration$/m, '$1:newer')
      .replace('Description: The VPC of all of it', 'Description: The network');
    expect(apply('back', later).text).toBe(
      preparedTemplate
        .replace('Resources:\n', `Resources:${alarm}`)
        .replace('Description: The VPC of all of it', 'Description: The network'),
    );
  });

  it('brings what was before the first switch when there was a second', () => {
    const again = apply('switch', switched, { newImage: 'ghcr.io/unicitynetwork/unicity-relay:newer' });
    expect(again.applied).toEqual(['Set the default of ContainerImage to the new image']);
    expect(readRecord(again.text)?.image).toBe('ghcr.io/unicitynetwork/unicity-relay:newer');
    expect(apply('back', again.text).text).toBe(preparedTemplate);
  });

  it('keeps a section Metadata of its owner', () => {
    const own = preparedTemplate.replace('Parameters:\n', 'Metadata:\n  Owner: me # myself\n\nParameters:\n');
    const after = apply('switch', own).text;
    expect(Object.keys(parseTemplate(after).model.sections.Metadata as JsonObject)).toEqual(['Owner', 'RelayCutover']);
    expect(apply('back', after).text).toBe(own);
    expect(apply('remove-efs', after).text).toContain('  Owner: me # myself\n');
  });

  it('refuses a template that was switched by hand', () => {
    const record = /\nMetadata:\n(?: .*\n)+/;
    expect(refusal('back', switched.replace(record, ''))).toMatch(/it has no record of what the switch took out/);
  });

  it('refuses a template whose very places were changed since', () => {
    expect(refusal('back', switched.replace('- Name: MEDIA\n', '- Name: MEDIAS\n'))).toMatch(
      /the places that the switch edited have been changed since/,
    );
  });
});

describe('the list remove-efs', () => {
  it('takes only lines away, with the comments that belong to what goes, and leaves no two blank lines', () => {
    const { text } = apply('remove-efs', switched);
    const { gone, come } = changedLines(switched, text);
    expect(come).toEqual([]);
    expect(gone).toContain('  # The relay runs as nobody (65534) and owns its directory.');
    expect(gone).toContain('  # Run once by hand or by the state machine; never a service.');
    expect(text).not.toMatch(/\n\n\n/);
    const left = Object.keys(resourcesOf(switched)).filter((name) => !/EFS|Migration|Rollback/.test(name));
    expect(Object.keys(resourcesOf(text))).toEqual(left);
  });

  it('keeps the other policies of the role', () => {
    const other = switched.replace(
      '        - PolicyName: EFSAccess\n',
      '        - PolicyName: Other\n          PolicyDocument: {}\n        - PolicyName: EFSAccess\n',
    );
    const { text } = apply('remove-efs', other);
    expect(propertiesOf(text, 'ECSTaskRole').Policies).toEqual([{ PolicyName: 'Other', PolicyDocument: {} }]);
  });

  it('refuses a relay that is on SQLite', () => {
    expect(refusal('remove-efs', preparedTemplate)).toMatch(/the container zooid-relay still serves from SQLite/);
  });

  it('refuses while something else refers to the file system', () => {
    const text = switched.replace('Outputs:\n', 'Outputs:\n  Another:\n    Value: !Ref EFSFileSystem\n');
    expect(refusal('remove-efs', text)).toMatch(/would leave references to nothing: Another -> EFSFileSystem/);
  });
});

/** The same resources, written by another hand. */
const HANDS: [string, (text: string) => string][] = [
  [
    'four columns a level',
    (text) => text.replace(/^( *)(- )?/gm, (_, margin, dash) => margin + margin + (dash ? '-   ' : '')),
  ],
  [
    'lists that stand as far out as their keys',
    (text) => {
      // Every list, and all that is in it, goes two columns out; those inside others further.
      const open: number[] = [];
      return text
        .split('\n')
        .map((line) => {
          const column = line.search(/\S/);
          if (column === -1) return line;
          while (open.length > 0 && column < (open.at(-1) as number)) open.pop();
          if (/^ *- /.test(line) && open.at(-1) !== column) open.push(column);
          return line.slice(2 * open.length);
        })
        .join('\n');
    },
  ],
  [
    'long forms',
    (text) =>
      text.replace(
        /: !(Ref|Sub) (.+)$/gm,
        (_, name, value) => `:\n${' '.repeat(60)}${name === 'Ref' ? 'Ref' : 'Fn::Sub'}: ${value}`,
      ),
  ],
  [
    'a sidecar before and one behind the relay',
    (text) =>
      text
        .replace(
          '        - Name: zooid-relay\n          Image',
          '        - Name: first\n          Image: a\n          Environment:\n            - Name: DATA\n              Value: mine\n        - Name: zooid-relay\n          Image',
        )
        .replace(
          '              awslogs-stream-prefix: zooid-relay\n',
          '              awslogs-stream-prefix: zooid-relay\n        - { Name: last, Image: b, Environment: [{ Name: DATA, Value: mine }] }\n',
        ),
  ],
  [
    'another order of the variables',
    (text) => {
      const data = '            - Name: DATA\n              Value: /app/data\n';
      return text
        .replace(data, '')
        .replace(
          '          Environment:\n            - Name: PORT\n',
          `          Environment:\n${data}            - Name: PORT\n`,
        );
    },
  ],
  [
    'anchors that nobody uses',
    (text) =>
      text.replace(
        '          Environment:\n            - Name: PORT',
        '          Environment: &all\n            - Name: PORT',
      ),
  ],
];

describe.each(HANDS)('a template with %s', (_, change) => {
  const text = change(bundledTemplate);

  it('gets the same edits, goes back byte for byte, and keeps every other line', () => {
    expect(text).not.toBe(bundledTemplate);
    const prepared = apply('add-rds', text);
    expect(prepared.applied).toHaveLength(14);
    const { gone } = changedLines(text, prepared.text);
    expect(gone.map((line) => line.trim())).toEqual(['DesiredCount: 1']);
    expect(resourcesOf(prepared.text).RDSInstance).toEqual(resourcesOf(preparedTemplate).RDSInstance);
    const after = apply('switch', prepared.text);
    expect(after.applied).toHaveLength(6);
    const containers = propertiesOf(after.text, 'ZooidRelayTaskDefinition').ContainerDefinitions as JsonObject[];
    const names = (container: JsonObject | undefined) =>
      (container?.Environment as { Name: string }[] | undefined)?.map(({ Name }) => Name);
    expect(names(containers.find(({ Name }) => Name === 'zooid-relay'))).not.toContain('DATA');
    for (const other of containers.filter(({ Name }) => Name !== 'zooid-relay')) expect(names(other)).toEqual(['DATA']);
    expect(apply('back', after.text).text).toBe(prepared.text);
  });
});

describe('a template with an alias', () => {
  it.each(['add-rds', 'switch', 'back', 'remove-efs'] as const)(
    'is refused by %s, since CloudFormation takes none',
    (name) => {
      const text = preparedTemplate
        .replace(
          '          Environment:\n            - Name: PORT',
          '          Environment: &all\n            - Name: PORT',
        )
        .replace('Outputs:\n', 'Outputs:\n  Same: *all\n');
      expect(refusal(name, text)).toMatch(
        /^The template has an alias at line \d+, column 9, and CloudFormation supports none\./,
      );
    },
  );
});

/** Ways in which a person may have written the same template. */
const variation = fc.record({
  form: fc.constantFrom<'yaml' | 'pretty' | 'minified'>('yaml', 'pretty', 'minified'),
  windows: fc.boolean(),
  openEnd: fc.boolean(),
  /** Where blank lines and comments go, as parts of the text. */
  noise: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom('', '# a note', '#')), {
    maxLength: 12,
  }),
  variables: fc.array(fc.stringMatching(/^[A-Z]{3,8}$/), { maxLength: 4 }),
  dataAt: fc.nat(12),
  quoted: fc.boolean(),
  description: fc.boolean(),
  longForms: fc.boolean(),
});

function written(how: typeof variation extends fc.Arbitrary<infer T> ? T : never): string {
  let text = preparedTemplate;
  if (how.quoted) text = text.replace(/Default: (ghcr\.io\S+sha-\S+)/, "Default: '$1' # pinned");
  if (!how.description) text = text.replace(/Description: "Group chat.*\n/, '');
  if (how.longForms)
    text = text.replace(/!Ref (\w+)$/gm, '{ Ref: $1 }').replace(/!GetAtt (\w+)\.Arn$/gm, '{ "Fn::GetAtt": [$1, Arn] }');
  const data = '            - Name: DATA\n              Value: /app/data\n';
  const more = [...new Set(how.variables)].filter((name) => !preparedTemplate.includes(`Name: ${name}\n`));
  const variables = more.map((name) => `            - Name: ${name}\n              Value: "1"\n`);
  const at = Math.min(how.dataAt, variables.length);
  text = text.replace(data, [...variables.slice(0, at), data, ...variables.slice(at)].join(''));
  if (how.form !== 'yaml') {
    const json: Json = parseTemplate(text).model.sections;
    text = `${JSON.stringify(json, null, how.form === 'pretty' ? 2 : undefined)}\n`;
  } else {
    const lines = text.split('\n');
    for (const [where, line] of how.noise) lines.splice(Math.floor(where * (lines.length - 1)), 0, line);
    text = lines.join('\n');
  }
  if (how.openEnd) text = text.trimEnd();
  return how.windows ? text.replaceAll('\n', '\r\n') : text;
}

describe('switch and back', () => {
  it('restore every template byte for byte, however it is written', () => {
    fc.assert(
      fc.property(variation, (how) => {
        const text = written(how);
        const there = apply('switch', text);
        expect(there.applied).toHaveLength(6);
        expect(apply('back', there.text).text).toBe(text);
      }),
      { numRuns: 30, seed: 16 },
    );
  });
});
