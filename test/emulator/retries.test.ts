import { SFNClient, TestStateCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { delaySeconds } from '../../rehearsal/interpreter/retry.ts';
import type { Retrier, TaskState } from '../../statemachine/asl.ts';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { machineAround, statesOf } from './around-a-state.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { runInInterpreter } from './parity-runs.ts';

const settings = parseSettings({});
let emulator: Emulator;
let sfn: SFNClient;
beforeAll(async () => {
  emulator = await startEmulator({ region: settings.region, waitScale: 0 });
  // Else TestState goes to a host of its own.
  sfn = new SFNClient({ ...emulator.client, disableHostPrefix: true });
});
afterAll(() => emulator?.stop());

/** Every list of retriers that a machine has, once. */
const lists = new Map<string, Retrier[]>(
  Object.entries(MACHINES)
    .flatMap(([name, machineOf]) => statesOf(name, machineOf(settings)))
    .flatMap(({ state }) => ('Retry' in state && state.Retry ? [state.Retry] : []))
    .map((list) => [JSON.stringify(list), list]),
);
/** A name that only the wildcards match. */
const UNHEARD_OF = 'SomethingElse';
const errors = [...lists.values()].flatMap((list) =>
  list.flatMap((retrier) =>
    retrier.ErrorEquals.map((name) => ({ error: name === 'States.ALL' ? UNHEARD_OF : name, retrier, list })),
  ),
);

/** Without a Catch, which the emulator would ask before the Retry. */
const stateWith = (list: Retrier[]): TaskState => ({
  Type: 'Task',
  Comment: 'Fails',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'function', Payload: {} },
  TimeoutSeconds: 60,
  Retry: list,
  End: true,
});

describe('a task that fails for good', () => {
  it('has retries to look at', () => {
    expect(errors.length).toBeGreaterThan(20);
  });

  it.each(errors)('is retried after $error, $retrier.MaxAttempts times', async ({ error, retrier, list }) => {
    const state = stateWith(list);
    const machine = machineAround({ path: '', name: 'Fails', state }, {}, {});
    const script = () => ({ error, cause: 'words' });
    const { calls } = await runInInterpreter({ title: '', machine, input: {}, script }, settings.region);
    const retries = calls.length - 1;
    const testAfter = (retrierRetryCount: number) => testState(state, error, retrierRetryCount);

    expect((await testAfter(retries)).status).toBe('FAILED');
    for (const count of new Set([0, retries - 1].filter((one) => one >= 0 && one < retries))) {
      const { status, inspectionData } = await testAfter(count);
      expect(status).toBe('RETRIABLE');
      // The emulator leaves MaxDelaySeconds and the jitter out of account; without the first they are the same.
      const { MaxDelaySeconds: _, ...unlimited } = retrier;
      expect(inspectionData?.errorDetails?.retryBackoffIntervalSeconds).toBe(delaySeconds(unlimited, count, () => 1));
    }
  });
});

function testState(state: TaskState, error: string, retrierRetryCount: number) {
  return sfn.send(
    new TestStateCommand({
      definition: JSON.stringify({ ...state, QueryLanguage: 'JSONata' }),
      input: '{}',
      inspectionLevel: 'DEBUG',
      mock: { errorOutput: { error, cause: 'words' } },
      stateConfiguration: { retrierRetryCount },
    }),
  );
}
