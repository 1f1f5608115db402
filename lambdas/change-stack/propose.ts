import { createHash } from 'node:crypto';
import {
  type Capability,
  type CloudFormationClient,
  CreateChangeSetCommand,
  GetTemplateCommand,
  type Parameter,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import type { ChangePurpose } from '../../statemachine/change-set-states.ts';
import { NotYet, Refused } from '../../statemachine/errors.ts';
import type { Names } from '../../statemachine/settings.ts';
import { addRdsEdits } from '../template-edits/add-rds.ts';
import { type AppliedEdits, applyEdits } from '../template-edits/apply.ts';
import { backTemplate, switchTemplate } from '../template-edits/back.ts';
import { parseTemplate } from '../template-edits/document.ts';
import { defaultTemplateNames } from '../template-edits/names.ts';
import { finalizeEdits } from '../template-edits/remove-efs.ts';
import { keptOriginal, originalKeys } from './artefacts.ts';
import type { ChangeStackDependencies, ChangeStackEvent } from './event.ts';
import { shownLines, wholeOriginal } from './shown-lines.ts';
import { describeChangeSet, describeStack, isNamed, UPDATABLE } from './stack.ts';

/** AWS: "CloudFormation quotas", the largest TemplateBody of a request. */
const templateBytesMax = 51_200;

/** Purposes before which the stack is kept as it was; whichever comes first in an execution. */
const EDITING: ChangePurpose[] = ['prepare', 'hold-at-zero', 'switch', 'remove-efs'];

/** A name may be taken by a change set of the same attempt that is used up; so many are tried. */
const namesMax = 20;

export interface Proposal {
  /** ARN of the change set. */
  changeSet: string;
  /** Titles of the edits that changed the text. */
  edits: string[];
  /** The lines that change, in the form of the preview before a cutover; absent where the original goes back whole. */
  diff?: string[];
  /** Why the diff is not all of it; absent where it is. */
  note?: string;
  /** Key under which the template lies that the stack had before the first edit; empty where nothing was ever edited. */
  original: string;
}

/**
 * Makes the change set of one purpose, after keeping the stack's template and parameter values as they were before the
 * first edit of this execution. Where nothing was kept, nothing was edited, and a restore changes the desired count alone.
 *
 * Throws NotYet while the stack is busy, Refused when the stack or its template will not do.
 */
export async function propose(deps: ChangeStackDependencies, event: ChangeStackEvent): Promise<Proposal> {
  const stack = await describeStack(deps.cloudFormation, event.stackName);
  assertUpdatable(stack);
  const keys = originalKeys(event.stackName, event.execution);
  const { TemplateBody: text = '' } = await deps.cloudFormation.send(
    new GetTemplateCommand({ StackName: event.stackName, TemplateStage: 'Original' }),
  );
  if (EDITING.includes(event.purpose)) await keepOriginal(deps, keys, text, stack);
  const original = event.purpose === 'restore' ? await keptOriginal(deps.artefacts, keys) : undefined;
  const isUnedited = event.purpose === 'restore' && original === undefined;
  const next = nextTemplate(event, text, original?.template);
  if (Buffer.byteLength(next.text) > templateBytesMax) {
    throw new Refused(
      `The template has ${Buffer.byteLength(next.text)} bytes. Expected at most ${templateBytesMax}, which is what one request can carry. Shorten the template (comments count), deploy it, and start again.`,
    );
  }
  const parameters = nextParameters(event, next.text, stack.Parameters ?? [], original?.values);
  const changeSet = await createOnce(deps.cloudFormation, event, {
    text: next.text,
    parameters,
    capabilities: stack.Capabilities ?? [],
  });
  const shown = next.isWholeOriginal ? wholeOriginal(keys.template) : shownLines(text, next.text);
  return { changeSet, edits: next.applied, ...shown, original: isUnedited ? '' : keys.template };
}

function assertUpdatable({ StackName, StackStatus = 'CREATE_FAILED' }: Stack): void {
  if (StackStatus.endsWith('_IN_PROGRESS')) {
    throw new NotYet(`The stack ${StackName} is in ${StackStatus}. Expected it to come to rest; asking again.`);
  }
  if (!UPDATABLE.includes(StackStatus)) {
    throw new Refused(
      `The stack ${StackName} is in ${StackStatus}, which allows no update. Expected ${UPDATABLE.join(', ')}. Repair the stack (UPDATE_ROLLBACK_FAILED: continue-update-rollback), then redrive.`,
    );
  }
}

async function keepOriginal(
  { artefacts }: ChangeStackDependencies,
  keys: { template: string; parameters: string },
  text: string,
  { Parameters = [] }: Stack,
): Promise<void> {
  // Parameters first: where the template lies, its values lie too.
  if ((await artefacts.get(keys.parameters)) === undefined) {
    const values = Parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]);
    await artefacts.put(keys.parameters, `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`);
  }
  if ((await artefacts.get(keys.template)) === undefined) await artefacts.put(keys.template, text);
}

interface NextTemplate extends AppliedEdits {
  /** It is not what edits made of the present one. */
  isWholeOriginal?: true;
}

function nextTemplate(
  { purpose, names = defaultTemplateNames, newImage, prepare }: ChangeStackEvent,
  text: string,
  original: string | undefined,
): NextTemplate {
  if (purpose === 'prepare') {
    if (prepare !== undefined) return applyEdits(text, addRdsEdits(prepare.settings));
    throw new Refused(
      'The purpose "prepare" came without settings. Expected prepare.settings. Correct the state machine.',
    );
  }
  if (purpose === 'remove-efs') return applyEdits(text, finalizeEdits(names, newImage ?? null));
  if (purpose === 'restore' && original !== undefined) return restored(text, names, original);
  if (purpose !== 'switch') return { text, applied: [] };
  if (newImage === undefined || newImage === null) {
    throw new Refused(
      'The purpose "switch" came without a new image. Expected newImage. Set the image in the execution input.',
    );
  }
  return switchTemplate(text, names, newImage);
}

/**
 * The switch is undone from the template as it is now: what a person has changed elsewhere since then, in a week, stays. Where
 * that cannot be, the original is at hand, and the guard sees what it would do.
 */
function restored(text: string, names: Names, original: string): NextTemplate {
  try {
    return backTemplate(text, names);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { text: original, applied: [], isWholeOriginal: true };
  }
}

/**
 * Every parameter of the new text is named: one that is left out would go back to its default. A masked value (NoEcho)
 * can only be carried over, and so is every other but the two that this change is about.
 */
function nextParameters(
  event: ChangeStackEvent,
  text: string,
  current: Parameter[],
  originals: Map<string, string> | undefined,
): Parameter[] {
  const { names = defaultTemplateNames } = event;
  const declared = Object.entries(parseTemplate(text).model.Parameters);
  if (!declared.some(([name]) => name === names.desiredCountParameter)) {
    throw new Refused(
      `The template has no parameter ${names.desiredCountParameter}. Expected the one that prepare adds: without it every update of the service starts the relay. Run prepare, then start again.`,
    );
  }
  const set = new Map([[names.desiredCountParameter, String(event.desiredCount)]]);
  if (event.purpose === 'switch' && event.newImage) set.set(names.imageParameter, event.pinnedImage ?? event.newImage);
  if (event.prepare !== undefined) set.set(names.migratorImageParameter, event.prepare.migratorImage);
  const original = originals?.get(names.imageParameter);
  const masked = declared.some(([name, body]) => name === names.imageParameter && body.NoEcho !== undefined);
  if (original !== undefined && !masked) set.set(names.imageParameter, original);
  return declared.map(([name]) => {
    const value =
      set.get(name) ?? (current.some(({ ParameterKey }) => ParameterKey === name) ? undefined : originals?.get(name));
    return value === undefined
      ? { ParameterKey: name, UsePreviousValue: true }
      : { ParameterKey: name, ParameterValue: value };
  });
}

interface ChangeSetContent {
  text: string;
  parameters: Parameter[];
  capabilities: Capability[];
}

/** A repeated call finds its own change set again; one that is used up (executed, obsolete, failed) is passed over. */
async function createOnce(
  client: CloudFormationClient,
  event: ChangeStackEvent,
  content: ChangeSetContent,
): Promise<string> {
  for (let number = 1; number <= namesMax; number += 1) {
    const name = changeSetName(event, number);
    const existing = await usable(client, event.stackName, name);
    if (existing === 'used up') continue;
    if (existing !== undefined) return existing;
    // No RoleARN: it would stick to the stack for all later operations.
    const { Id } = await client.send(
      new CreateChangeSetCommand({
        StackName: event.stackName,
        ChangeSetName: name,
        ClientToken: name,
        ChangeSetType: 'UPDATE',
        Description: `relay-cutover: ${event.purpose}, execution ${event.execution}`,
        TemplateBody: content.text,
        Parameters: content.parameters,
        Capabilities: content.capabilities,
        IncludeNestedStacks: false,
      }),
    );
    if (Id !== undefined) return Id;
  }
  throw new Refused(
    `${namesMax} change sets of this attempt are used up (${changeSetName(event, 1)} and on). Expected one that can be made and executed. Look into the stack's change sets for who else updates it, then redrive.`,
  );
}

async function usable(
  client: CloudFormationClient,
  stackName: string,
  name: string,
): Promise<string | 'used up' | undefined> {
  try {
    const { ChangeSetId, Status, ExecutionStatus } = await describeChangeSet(client, stackName, name);
    const waiting = Status === 'CREATE_PENDING' || Status === 'CREATE_IN_PROGRESS';
    return waiting || (Status === 'CREATE_COMPLETE' && ExecutionStatus === 'AVAILABLE') ? ChangeSetId : 'used up';
  } catch (error) {
    if (isNamed(error, 'ChangeSetObsolete')) return undefined;
    throw error;
  }
}

/** AWS: a letter, then letters, digits and hyphens, 128 in all. The hash keeps apart what the shortening makes equal. */
function changeSetName({ execution, purpose, attempt = '0' }: ChangeStackEvent, number: number): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([execution, purpose, attempt, number]))
    .digest('hex');
  const readable = `relay-cutover-${purpose}-${execution}`.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 100);
  return `${readable}-${hash.slice(0, 12)}`;
}
