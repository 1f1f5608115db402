import type { Json, JsonObject, MapState, Retrier, TaskState } from '../../statemachine/asl.ts';
import { FUNCTIONS, functionPlaceholder } from '../../statemachine/functions.ts';
import { machineAround, machineFor, type PlacedState } from './around-a-state.ts';
import type { ParityCase, Script } from './parity-runs.ts';
import { CAUSES, INPUT, ITEM, PAYLOADS, RESULTS, VARIABLES, VARIATIONS, type Variation } from './samples.ts';

/** An error that no Retry and no Catch knows by its name. */
const UNHEARD_OF = 'SomethingElse';
const WILDCARDS = ['States.ALL', 'States.TaskFailed'];
/** Up to here a Retry is used up to its end; one that polls for hours is used twice. */
const ATTEMPTS_TRIED_MAX = 4;

/**
 * Everything that a state is asked: with each variation of the variables, and a task with all that its Retry and Catch know.
 *
 * @param seen what other states have, and were asked about already: lists of retriers, what a catcher makes of an error
 */
export function casesOf(place: PlacedState, seen: Set<string>): ParityCase[] {
  const { state } = place;
  if (state.Type !== 'Task' && state.Type !== 'Map')
    return VARIATIONS.map((variation) => caseWith(place, variation, noTask));
  const succeeds = state.Type === 'Task' ? always(resultOf(state)) : itemsSucceed(state);
  const variations = VARIATIONS.map((variation) => caseWith(place, variation, succeeds));
  if (state.Type === 'Map') return [...variations, ...iterationsFail(place, state)];
  return [...variations, ...failures(place, state, seen), ...timeouts(place, state)];
}

function caseWith(place: PlacedState, variation: Variation, script: Script): ParityCase {
  const variables = { ...VARIABLES, ...variation.variables };
  const isInsideMap = place.path.split('/').length > 2;
  return {
    title: `${place.path}: ${variation.title}`,
    machine: machineAround(place, variables, isInsideMap ? ITEM : INPUT),
    input: variation.input ?? {},
    script,
  };
}

function failures(place: PlacedState, state: TaskState, seen: Set<string>): ParityCase[] {
  const succeeds = resultOf(state);
  const failing = (title: string, script: Script) => caseWith(place, { title }, script);
  const retried = (state.Retry ?? []).map((retrier) => {
    const error = exampleOf(retrier.ErrorEquals);
    const times = timesToFail(retrier);
    return failing(`${error}, ${times} times`, (_, call) =>
      call < times ? { error, cause: '' } : { result: succeeds },
    );
  });
  const retriers = isNew(state.Retry ?? [], seen) ? (state.Retry ?? []) : [];
  const names = new Set([...(state.Catch ?? []), ...retriers].flatMap(({ ErrorEquals }) => ErrorEquals));
  // One that is only asked for again and again is not failed for ever.
  const polled = (state.Retry ?? []).filter(({ MaxAttempts }) => MaxAttempts > ATTEMPTS_TRIED_MAX);
  const forGood = [...names, UNHEARD_OF]
    .filter((name) => !WILDCARDS.includes(name) && !polled.some(({ ErrorEquals }) => ErrorEquals.includes(name)))
    .map((error) => failing(`${error} for good`, () => ({ error, cause: CAUSES[0] as string })));
  const causes = (state.Catch ?? []).some(({ Assign, Output }) => isNew([Assign, Output], seen))
    ? CAUSES.map((cause, index) => failing(`cause number ${index + 1}`, () => ({ error: 'States.Timeout', cause })))
    : [];
  return [...retried, ...forGood, ...causes];
}

function isNew(part: unknown, seen: Set<string>): boolean {
  const text = JSON.stringify(part);
  const known = seen.has(text);
  seen.add(text);
  return !known;
}

/** Once more than it is retried, so that its end is seen too. */
function timesToFail({ MaxAttempts }: Retrier): number {
  return MaxAttempts > ATTEMPTS_TRIED_MAX ? 2 : MaxAttempts + 1;
}

function exampleOf([name = '']: string[]): string {
  return WILDCARDS.includes(name) ? UNHEARD_OF : name;
}

/** A timeout that is an expression: both engines evaluate it where its value can be seen. */
function timeouts({ path }: PlacedState, { TimeoutSeconds }: TaskState): ParityCase[] {
  if (typeof TimeoutSeconds === 'number') return [];
  return VARIATIONS.map(({ title, variables }) => ({
    title: `${path}, TimeoutSeconds: ${title}`,
    machine: machineFor(TimeoutSeconds, { ...VARIABLES, ...variables }),
    input: {},
    script: noTask,
  }));
}

const noTask: Script = () => {
  throw new Error('This state has no task.');
};

/** The iterations of our Maps never fail, so their own Catch is taken away to see what that of the Map does. */
function iterationsFail(place: PlacedState, state: MapState): ParityCase[] {
  const states = Object.entries(state.ItemProcessor.States).map(([name, inner]) => {
    const { Catch, Retry, ...bare } = inner as TaskState;
    return [name, bare];
  });
  const failing = { ...state, ItemProcessor: { ...state.ItemProcessor, States: Object.fromEntries(states) } };
  const errors = (state.Catch ?? []).map(({ ErrorEquals }) => exampleOf(ErrorEquals));
  // One item only: which of several fails first is a matter of chance.
  const { variables = {} } = VARIATIONS.find(({ title }) => title === 'one table') as Variation;
  return [UNHEARD_OF, ...errors].map((error) =>
    caseWith({ ...place, state: failing }, { title: `an iteration fails with ${error}`, variables }, () => ({
      error,
      cause: 'words',
    })),
  );
}

function always(result: Json): Script {
  return () => ({ result });
}

function itemsSucceed({ ItemProcessor }: MapState): Script {
  const tasks = Object.values(ItemProcessor.States).filter((state) => state.Type === 'Task');
  const [only, ...others] = tasks;
  if (!only || others.length > 0)
    throw new Error('This Map has more than one task: say in parity-cases.ts which answers what.');
  return always(resultOf(only));
}

/** @throws Error that says which sample is missing */
function resultOf({ Resource, Arguments }: TaskState): Json {
  if (Resource !== 'arn:aws:states:::lambda:invoke') return sampleOf(RESULTS, Resource, 'RESULTS');
  const { FunctionName, Payload } = Arguments as { FunctionName: string; Payload: Json };
  const name = (Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[]).find(
    (one) => functionPlaceholder(one) === FunctionName,
  );
  const asked = (typeof Payload === 'object' && Payload !== null ? Payload : {}) as JsonObject;
  const what = asked.action ?? asked.mode;
  const payload = sampleOf(PAYLOADS, what === undefined ? `${name}` : `${name}/${what}`, 'PAYLOADS');
  return { ExecutedVersion: '1', StatusCode: 200, Payload: payload };
}

function sampleOf(samples: Record<string, Json>, key: string, list: string): Json {
  const sample = samples[key];
  if (sample === undefined)
    throw new Error(`There is no sample for ${key}: add one to ${list} in test/emulator/samples.ts.`);
  return sample;
}
