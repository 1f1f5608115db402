import * as ecsSdk from '@aws-sdk/client-ecs';
import validate from 'asl-validator';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject, Retrier, State, TaskState } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { FUNCTIONS, type FunctionName, functionPlaceholder, substitutionKey } from '../../statemachine/functions.ts';
import { prepareMachine } from '../../statemachine/prepare/prepare.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { secondsLeft } from '../../statemachine/write-stop-deadline.ts';
import { allStates, brokenWays, catchersOf, expressionsOf, statesBetween, unassignedReads } from './graph.ts';

const machine = cutoverMachine(parseSettings());
const arnOf = (name: string) => `arn:aws:lambda:me-central-1:123456789012:function:${name}:7`;
const deployed = withFunctions(machine, arnOf);
const every = allStates(machine.States);
const tasks = every.filter((one): one is { name: string; state: TaskState } => one.state.Type === 'Task');
const retriers = (state: State): Retrier[] => ('Retry' in state ? (state.Retry ?? []) : []);

// What lies on the way back, and what comes before the write stop; all else goes forward.
const wayBack = statesBetween(machine, 'AskAuthority', '');
const forward = statesBetween(machine, 'ScaleDown', 'OnFailure').filter(
  (name) => !wayBack.includes(name) && name !== 'ReclaimForWayBack',
);

/** What is caught before everything else is. */
const EARLIER_CATCHES: Record<string, string[][]> = {
  RunMigrator: [['States.Timeout', 'OnFailure']],
  ReadManifest: [['MigrationInterrupted', 'IsAttemptLeft']],
};

/** Functions that prepare and finalize call, and a cutover does not. */
const OF_OTHERS: FunctionName[] = [
  ...(['preflight-prepare', 'prepare-stack', 'preflight-finalize', 'finalize-stack'] as const),
  ...(['database-snapshot', 'delete-file-system', 'deregister-tasks'] as const),
];

describe('the cutover machine', () => {
  it('is valid to asl-validator', () => {
    const { isValid, errorsText } = validate(structuredClone(deployed));
    expect(errorsText()).toBe('');
    expect(isValid).toBe(true);
  });

  it('is not valid to asl-validator when a way leads nowhere', () => {
    const broken = structuredClone(deployed);
    (broken.States.ScaleUp as TaskState).Next = 'Nowhere';
    expect(validate(broken).errorsText()).toContain('MISSING_TRANSITION_TARGET');
  });

  it('has a way to every state and no way to nowhere', () => {
    expect(brokenWays(machine.StartAt, machine.States)).toEqual({ unreachable: [], missing: [] });
  });

  it('gives every state a comment and a name that Step Functions takes', () => {
    for (const { name, state } of every) {
      expect(state.Comment, name).toMatch(/^\S.{9,}/);
      expect(name.length, name).toBeLessThanOrEqual(80);
    }
    expect(new Set(every.map(({ name }) => name)).size).toBe(every.length);
  });

  it('gives every task a timeout and a retry with backoff and jitter, polling apart', () => {
    expect(tasks.length).toBeGreaterThan(30);
    for (const { name, state } of tasks) {
      if (typeof state.TimeoutSeconds === 'number') expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
      else expect(state.TimeoutSeconds, name).toBe(secondsLeft(name === 'RunMigrator' ? 3_600 : 900));
      const repeating = retriers(state).filter(({ MaxAttempts }) => MaxAttempts > 0);
      const backingOff = repeating.filter(({ ErrorEquals }) => !['NotYet', 'Error,error'].includes(ErrorEquals.join()));
      expect(backingOff.length, name).toBeGreaterThan(0);
      for (const { BackoffRate, JitterStrategy, MaxDelaySeconds, IntervalSeconds } of backingOff) {
        expect(BackoffRate, name).toBeGreaterThan(1);
        expect(JitterStrategy, name).toBe('FULL');
        expect(MaxDelaySeconds, name).toBeGreaterThan(IntervalSeconds);
      }
    }
  });

  it('tells every function that signs in to the database where that is, and no other', () => {
    for (const { name, state } of tasks) {
      const { FunctionName, Payload } = state.Arguments as { FunctionName?: string; Payload?: Json };
      const called = (Object.keys(FUNCTIONS) as FunctionName[]).find(
        (one) => FunctionName === functionPlaceholder(one),
      );
      if (called === undefined) continue;
      const said = JSON.stringify(Payload).includes('$plan.target');
      expect(said, name).toBe(FUNCTIONS[called].network === 'database');
    }
  });

  it('tries nothing again that would end alike, and polls as long as the settings say', () => {
    for (const { name, state } of tasks) {
      const first = retriers(state).find(({ ErrorEquals }) => ErrorEquals.includes('Refused'));
      if (state.Resource.endsWith('lambda:invoke')) expect(first?.MaxAttempts, name).toBe(0);
    }
    const polled = (name: string): Retrier | undefined =>
      retriers(machine.States[name] as State).find(({ ErrorEquals }) => ErrorEquals.join() === 'NotYet');
    const { pollIntervalSeconds, drainTimeoutSeconds, startTimeoutSeconds } = parseSettings();
    for (const [name, seconds] of [
      ['AwaitStopped', drainTimeoutSeconds],
      ['ConfirmStopped', drainTimeoutSeconds],
      ['HealthCheckNewRelay', startTimeoutSeconds],
      ['HealthCheckOldRelay', startTimeoutSeconds],
    ] as const) {
      expect(polled(name), name).toMatchObject({
        IntervalSeconds: pollIntervalSeconds,
        MaxAttempts: seconds / pollIntervalSeconds,
        BackoffRate: 1,
      });
    }
  });

  it('leads every failure after the write stop began to the way back', () => {
    expect(forward).toEqual(expect.arrayContaining(['ScaleDown', 'RunMigrator', 'VerifyCounts', 'AwaitSettle']));
    for (const name of forward) {
      const state = machine.States[name] as State;
      if (state.Type !== 'Task' && state.Type !== 'Map') continue;
      const target =
        name === 'RunMigrator' ? 'ReadManifest' : name === 'ReleaseComplete' ? 'CutoverComplete' : 'OnFailure';
      expect(catchersOf(state).at(-1), name).toMatchObject({ ErrorEquals: ['States.ALL'], Next: target });
      const others = catchersOf(state)
        .slice(0, -1)
        .map(({ ErrorEquals, Next }) => [...ErrorEquals, Next]);
      expect(others, name).toEqual(EARLIER_CATCHES[name] ?? []);
    }
  });

  it('leads a failure before the write stop to an end that has changed nothing', () => {
    const before = statesBetween(machine, 'TakeLock', 'ScaleDown');
    expect(before.sort()).toEqual(
      [
        ...['AnotherExecution', 'HoldUnchanged', 'IsHeldUnchanged', 'IsPrepared', 'NotPrepared', 'Preflight'],
        ...['PreflightFailed', 'ReadAuthority', 'RecordPlan', 'ReleaseUnchanged', 'TakeLock'],
        ...['NeedsApproval', 'AskApproval', 'PlanChanged'],
      ].sort(),
    );
  });

  it('has no way out for a failure of the way back itself', () => {
    expect(wayBack).toEqual(expect.arrayContaining(['ProposeRestore', 'ScaleUpOldRelay', 'AwaitSettleRestored']));
    const isCaught = (name: string): boolean =>
      catchersOf(machine.States[name] as State).some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'));
    // The first may be answered later, the reverse may be made again, and the lock may stay as it is.
    const caught = wayBack.filter((name) => isCaught(name) && name !== 'ReclaimForWayBack');
    expect(caught.sort()).toEqual(['AskAuthority', 'AssertNoneRan', 'ReadReverse', 'ReleaseRolledBack', 'RunReverse']);
    // All else fails where it stands, unless another execution has taken over.
    const others = wayBack.filter(
      (name) => ['Task', 'Map'].includes(machine.States[name]?.Type ?? '') && !isCaught(name),
    );
    expect(others.length).toBeGreaterThan(12);
    for (const name of others.filter((one) => one !== 'HoldOnTarget'))
      expect(catchersOf(machine.States[name] as State), name).toMatchObject([
        { ErrorEquals: ['LockHeld'], Next: 'Superseded' },
      ]);
  });

  it('has a Catch on tasks and maps only: Step Functions knows it nowhere else', () => {
    const others = every.filter(({ state }) => 'Catch' in state && state.Type !== 'Task' && state.Type !== 'Map');
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('reads no variable that is not assigned on every way there', () => {
    expect(unassignedReads(machine.StartAt, machine.States)).toEqual([]);
  });

  it('holds expressions that can be parsed and nothing but expressions between the braces', () => {
    for (const { name, state } of every) {
      for (const { field, text } of expressionsOf(state)) {
        expect(() => jsonata(text), `${name} ${field}`).not.toThrow();
      }
      expect(JSON.stringify(state).match(/\{%/g)?.length, name).toBe(JSON.stringify(state).match(/%\}/g)?.length);
    }
  });

  it('knows every function that it calls, and calls every function but what only other machines need', () => {
    const called = tasks
      .filter(({ state }) => state.Resource.startsWith('arn:aws:states:::lambda:invoke'))
      .map(({ state }) => (state.Arguments as JsonObject).FunctionName as string);
    expect([...new Set(called)].sort()).toEqual(
      (Object.keys(FUNCTIONS) as FunctionName[])
        .filter((name) => !name.startsWith('preflight-') && !OF_OTHERS.includes(name))
        .map((name) => `\${${substitutionKey(name)}}`)
        .sort(),
    );
    expect(JSON.stringify(deployed)).not.toContain('${');
    expect(JSON.stringify(deployed)).toContain(arnOf('verify-counts'));
  });

  it('puts an ARN in place as it is, with every character', () => {
    const odd = withFunctions(machine, (name) => `$&-${name}-$'`);
    expect((odd.States.Preflight as TaskState).Arguments).toMatchObject({ FunctionName: "$&-preflight-$'" });
  });

  it('hands over no wildcard and no secret', () => {
    const literals = (value: Json): string[] => {
      if (typeof value === 'string') return value.startsWith('{%') ? [] : [value];
      if (value === null || typeof value !== 'object') return [];
      return Object.values(value).flatMap(literals);
    };
    const logicalNames = Object.values(parseSettings().names).flat();
    for (const { name, state } of tasks) {
      for (const literal of literals(state.Arguments)) {
        // Logical names say that something is a password, and not which one.
        if (logicalNames.includes(literal)) continue;
        expect(literal, name).not.toMatch(/\*|:\/\/|password|^[0-9a-f]{32,}$/i);
      }
    }
    const { Overrides } = (machine.States.RunMigrator as TaskState).Arguments as {
      Overrides: { ContainerOverrides: { Environment: { Name: string }[] }[] };
    };
    expect(Overrides.ContainerOverrides.flatMap(({ Environment }) => Environment.map(({ Name }) => Name))).toEqual([
      'CUTOVER_RUN_ID',
      'CUTOVER_VERIFIER_ROLE',
    ]);
  });

  it('tells the migrator of the quarantine in both directions of the copy where the settings ask for it', () => {
    const asked = parseSettings({ quarantine: true });
    const words = (state: State | undefined): string => JSON.stringify((state as TaskState).Arguments);
    expect(words(cutoverMachine(asked).States.RunMigrator)).toContain('{"Name":"CUTOVER_QUARANTINE","Value":"1"}');
    expect(words(prepareMachine(asked).States.RunLoad)).toContain('{"Name":"CUTOVER_QUARANTINE","Value":"1"}');
    // The way back looks into the target's own list.
    expect(words(cutoverMachine(asked).States.RunReverse)).not.toContain('QUARANTINE');
  });

  it('gives ECS only parameters that it knows, in the PascalCase of the integrations', () => {
    const calls = tasks.flatMap(({ name, state }) => {
      const action = /:ecs:(\w+?)(\.sync)?$/.exec(state.Resource)?.[1];
      return action ? [{ name, action, parameters: state.Arguments }] : [];
    });
    expect(calls.map(({ name }) => name).sort()).toEqual([
      'DescribeNewRelay',
      'DescribeOldRelay',
      'RunMigrator',
      'RunReverse',
    ]);
    for (const { name, action, parameters } of calls) {
      expect(unknownParameters(requestShape(action), parameters), name).toEqual([]);
    }
  });

  it('would see a parameter in camelCase, an unknown one, and one in the wrong place', () => {
    const shape = requestShape('runTask');
    expect(unknownParameters(shape, { cluster: 'c' })).toEqual(['cluster']);
    expect(unknownParameters(shape, { Cluster: 'c', Clusters: ['c'] })).toEqual(['Clusters']);
    expect(unknownParameters(shape, { Overrides: { ContainerOverrides: [{ Name: 'n', Image: 'i' }] } })).toEqual([
      'Overrides.ContainerOverrides.0.Image',
    ]);
  });
});

/** How the SDK writes the schema of such a list. */
const LIST_OF_STRINGS = 64;

/** The SDK's own schema of a request: `[3, namespace, name, traits, member names, member schemas]` for a structure. */
function requestShape(action: string): unknown {
  const name = `${action.charAt(0).toUpperCase()}${action.slice(1)}Request$`;
  const shape = (ecsSdk as unknown as Record<string, unknown>)[name];
  if (shape === undefined) throw new Error(`The ECS client has no ${name}.`);
  return shape;
}

function unknownParameters(schema: unknown, value: Json, path: string[] = []): string[] {
  const shape = resolved(schema);
  if (value === null || typeof value !== 'object') return [];
  if (shape === LIST_OF_STRINGS && Array.isArray(value)) return [];
  if (!Array.isArray(shape)) return [path.join('.')];
  const [kind, , , , members, schemas] = shape as [number, string, string, unknown, unknown, unknown[]];
  // 1 is a list, whose fifth entry is the schema of its items.
  if (kind === 1)
    return (value as Json[]).flatMap((item, index) => unknownParameters(members, item, [...path, `${index}`]));
  return Object.entries(value).flatMap(([key, inner]) => {
    const index = (members as string[]).findIndex((name) => name.charAt(0).toUpperCase() + name.slice(1) === key);
    return index < 0 ? [[...path, key].join('.')] : unknownParameters(schemas[index], inner, [...path, key]);
  });
}

/** Schemas stand behind functions, and members may be pairs of schema and traits. */
function resolved(schema: unknown): unknown {
  if (typeof schema === 'function') return resolved(schema());
  if (Array.isArray(schema) && typeof schema[1] !== 'string') return resolved(schema[0]);
  return schema;
}
