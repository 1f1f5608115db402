import { parseTemplate } from '../../lambdas/template-edits/document.ts';
import { EDIT_LISTS, type EditListName } from '../../lambdas/template-edits/lists.ts';
import { servesFromSqlite } from '../../lambdas/template-edits/parts.ts';
import { removeRecord } from '../../lambdas/template-edits/record.ts';
import type { ChangePurpose } from '../../statemachine/change-set-states.ts';
import { Refused } from '../../statemachine/errors.ts';
import type { Settings } from '../../statemachine/settings.ts';
import { changedLines } from '../difference.ts';
import { type ResourceChange, resourceChanges, type ValuedTemplate } from './resource-changes.ts';

/** The machines on the way from SQLite to PostgreSQL, in their order. */
export type PlannedMachine = 'prepare' | 'cutover' | 'finalize';

/** What one machine will do to the relay's stack. */
export interface PlannedStep {
  machine: PlannedMachine;
  purpose: string;
  /** Why the template cannot be edited so; null where it can. */
  refusal: string | null;
  /** Titles of the edits that change something. */
  edits: string[];
  /** The changed lines of the template, without those that are kept of the switch for the way back. */
  difference: string;
  /** In the order in which they are made. */
  changeSets: { purpose: ChangePurpose; changes: ResourceChange[] }[];
}

/** Which machine is next, by the deployed template; null when the way is at its end. */
export function nextMachine(text: string, { names }: Settings): PlannedMachine | null {
  const template = parseTemplate(text);
  const { Resources, Parameters } = template.model;
  if (Resources[names.databaseUrlSecret] === undefined) return 'prepare';
  if (!servesFromSqlite(template, names)) return Resources[names.fileSystem] === undefined ? null : 'finalize';
  const isPrepared =
    Resources[names.migrationTaskDefinition] !== undefined && Parameters[names.desiredCountParameter] !== undefined;
  return isPrepared ? 'cutover' : 'prepare';
}

/** What is to be done to the stack by one machine: the edits, and the change sets that bring them. */
interface Work {
  machine: PlannedMachine;
  list: EditListName;
  changeSets: {
    purpose: ChangePurpose;
    /** Values of parameters that it sets. */
    set: Record<string, string>;
    /** It has the edited template; the others change parameters alone. */
    isEdited?: true;
  }[];
}

/** Images as they will be run, with a digest where that is known. */
export interface PlannedImages {
  relay: string;
  migrator: string;
}

/** In the order in which the machines do it; theirs are the change sets of `statemachine/`. */
function works({ names }: Settings, images: PlannedImages): Work[] {
  const count = names.desiredCountParameter;
  const prepared = { [count]: '1', [names.migratorImageParameter]: images.migrator };
  return [
    { machine: 'prepare', list: 'add-rds', changeSets: [{ purpose: 'prepare', set: prepared, isEdited: true }] },
    {
      machine: 'cutover',
      list: 'switch',
      changeSets: [
        { purpose: 'hold-at-zero', set: { [count]: '0' } },
        { purpose: 'switch', set: { [names.imageParameter]: images.relay }, isEdited: true },
        { purpose: 'settle', set: { [count]: '1' } },
      ],
    },
    { machine: 'finalize', list: 'remove-efs', changeSets: [{ purpose: 'remove-efs', set: {}, isEdited: true }] },
  ];
}

/**
 * What each machine that is still to come will do, each on what the one before it leaves. `prepare` may be run again at any time
 * before the cutover, and is among them until then.
 *
 * @param values of the stack's parameters
 */
export function plannedSteps(
  deployed: string,
  values: Map<string, string>,
  settings: Settings,
  images: PlannedImages,
): PlannedStep[] {
  const next = nextMachine(deployed, settings);
  if (next === null) return [];
  const steps: PlannedStep[] = [];
  let from: ValuedTemplate | null = valued(deployed, values, {});
  for (const work of works(settings, images)) {
    if (next === 'finalize' && work.machine !== 'finalize') continue;
    const { step, after } = plannedStep(work, from, settings);
    steps.push(step);
    from = after;
  }
  return steps;
}

function plannedStep(
  { machine, list, changeSets }: Work,
  before: ValuedTemplate | null,
  settings: Settings,
): { step: PlannedStep; after: ValuedTemplate | null } {
  const edits = EDIT_LISTS.find(({ name }) => name === list);
  const step = { machine, purpose: edits?.purpose ?? '', refusal: null, edits: [], difference: '', changeSets: [] };
  if (before === null) return { step: { ...step, refusal: 'A step before it cannot be made.' }, after: null };
  const { text } = before;
  try {
    const edited = edits?.apply(text, settings) ?? { text, applied: [] };
    let from = before;
    const sets = changeSets.map(({ purpose, set, isEdited }) => {
      const to = valued(isEdited ? edited.text : from.text, from.values, set);
      const changes = resourceChanges(from, to);
      from = to;
      return { purpose, changes };
    });
    const difference = changedLines(removeRecord(text), removeRecord(edited.text));
    return { step: { ...step, edits: edited.applied, difference, changeSets: sets }, after: from };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { step: { ...step, refusal: error.message }, after: null };
  }
}

/** A template with the values that its parameters keep, get, or have by default. */
function valued(text: string, before: Map<string, string>, set: Record<string, string>): ValuedTemplate {
  const { model } = parseTemplate(text);
  const values = Object.entries(model.Parameters).flatMap(([name, { Default }]): [string, string][] => {
    const value = set[name] ?? before.get(name) ?? (Default === undefined ? undefined : String(Default));
    return value === undefined ? [] : [[name, value]];
  });
  return { text, model, values: new Map(values) };
}
