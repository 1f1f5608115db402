import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type PlannedStep, plannedSteps } from '../../cli/plan/steps.ts';
import { parseTemplate } from '../../lambdas/template-edits/document.ts';
import { EDIT_LISTS, type EditListName } from '../../lambdas/template-edits/lists.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { deployedStack, parameters, stackName } from '../support/local-stack.ts';
import { bundledTemplate, preparedTemplate } from '../support/prepared-template.ts';

const settings = parseSettings();
const { names } = settings;
const images = { relay: settings.newImage, migrator: settings.migratorImage };
const switchedTemplate = edited('switch', preparedTemplate);

function edited(name: EditListName, text: string): string {
  return EDIT_LISTS.find((list) => list.name === name)?.apply(text, settings).text ?? text;
}

/** What a change set does to a resource: in words that both sides have. */
interface Seen {
  logicalId: string;
  action: string;
  isReplaced: boolean;
  properties: string[];
}

const parametersOf = (text: string): string[] => Object.keys(parseTemplate(text).model.Parameters);

function planned(steps: PlannedStep[], purpose: string): Seen[] {
  const set = steps.flatMap(({ changeSets }) => changeSets).find((one) => one.purpose === purpose);
  return (set?.changes ?? []).map(({ logicalId, action, replacement, paths }) => ({
    logicalId,
    action,
    isReplaced: replacement,
    properties: [...new Set(paths.map((path) => path.replace(/^Properties\./, '').replace(/[.[].*$/, '')))].sort(),
  }));
}

/** What the local CloudFormation says of the same, without what it only announces because another resource changes. */
async function computed(
  from: string,
  to: string,
  set: Record<string, string> = {},
  before: Record<string, string> = {},
): Promise<Seen[]> {
  const { local } = await deployedStack(from, before);
  const [old, next] = [parametersOf(from), parametersOf(to)];
  const kept = next.filter((name) => old.includes(name) && !(name in set));
  await local.call('CreateChangeSet', {
    StackName: stackName,
    ChangeSetName: 'compared',
    TemplateBody: to,
    Capabilities: ['CAPABILITY_IAM'],
    Parameters: [
      ...kept.map((name) => ({ ParameterKey: name, UsePreviousValue: true })),
      ...Object.entries(set).map(([name, value]) => ({ ParameterKey: name, ParameterValue: value })),
    ],
  });
  const changes: JsonObject[] = [];
  for (let token: string | undefined, status = ''; status !== 'CREATE_COMPLETE' || token !== undefined; ) {
    await pause(5);
    const asked = { StackName: stackName, ChangeSetName: 'compared', ...(token && { NextToken: token }) };
    const answer = (await local.call('DescribeChangeSet', asked)) as JsonObject;
    status = String(answer.Status);
    expect(status, String(answer.StatusReason)).not.toBe('FAILED');
    if (status !== 'CREATE_COMPLETE') continue;
    changes.push(...(answer.Changes as JsonObject[]));
    token = answer.NextToken as string | undefined;
  }
  return changes.flatMap(({ ResourceChange }) => seenIn(ResourceChange as JsonObject));
}

function seenIn({ LogicalResourceId, Action, Replacement, Details }: JsonObject): Seen[] {
  const own = (Details as JsonObject[]).filter(
    ({ Evaluation, ChangeSource }) => Evaluation === 'Static' || ChangeSource === 'DirectModification',
  );
  if (Action === 'Modify' && own.length === 0) return [];
  const targets = own.map(({ Target }) => {
    const { Attribute, Name } = Target as { Attribute: string; Name?: string };
    return Attribute === 'Properties' ? (Name ?? '') : Attribute;
  });
  const isReplaced = Replacement === 'True';
  return [
    {
      logicalId: String(LogicalResourceId),
      action: String(Action),
      isReplaced,
      properties: [...new Set(targets)].sort(),
    },
  ];
}

/** As DescribeStacks shows them; the others have their defaults. */
const values = new Map(Object.entries({ ...parameters, RelaySecretKey: '****' }));

describe('the changes in a plan', () => {
  it('are those of the change set that adds the database', async () => {
    const steps = plannedSteps(bundledTemplate, values, settings, images);
    expect(planned(steps, 'prepare')).toEqual(await computed(bundledTemplate, preparedTemplate));
    expect(planned(steps, 'prepare').map(({ action }) => action)).toContain('Add');
  });

  it('are those of the change sets of a cutover', async () => {
    const steps = plannedSteps(preparedTemplate, values, settings, images);
    const count = names.desiredCountParameter;
    expect(planned(steps, 'prepare')).toEqual([]);
    expect(planned(steps, 'hold-at-zero')).toEqual(
      await computed(preparedTemplate, preparedTemplate, { [count]: '0' }),
    );
    expect(planned(steps, 'switch')).toEqual(
      await computed(preparedTemplate, switchedTemplate, { [names.imageParameter]: settings.newImage }),
    );
    expect(planned(steps, 'switch')).toContainEqual({
      logicalId: names.service,
      action: 'Modify',
      isReplaced: false,
      properties: ['TaskDefinition'],
    });
    expect(planned(steps, 'settle')).toEqual(
      await computed(switchedTemplate, switchedTemplate, { [count]: '1' }, { [count]: '0' }),
    );
  });

  it('are those of the change set that takes the file system out', async () => {
    const steps = plannedSteps(switchedTemplate, values, settings, images);
    expect(steps.map(({ machine }) => machine)).toEqual(['finalize']);
    expect(planned(steps, 'remove-efs')).toEqual(
      await computed(switchedTemplate, edited('remove-efs', switchedTemplate)),
    );
  });
});
