import { SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { part } from '../support/extent.ts';
import { type PlacedState, statesOf, waysOut } from './around-a-state.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { casesOf } from './parity-cases.ts';
import { comparable, type Outcome, type ParityCase, runInInterpreter, runOnEmulator } from './parity-runs.ts';

const settings = parseSettings({});
let emulator: Emulator;
let sfn: SFNClient;
beforeAll(async () => {
  emulator = await startEmulator({ region: settings.region, waitScale: 0 });
  sfn = new SFNClient(emulator.client);
}, 180_000);
afterAll(() => emulator?.stop());

const seen = new Set<string>();

describe.each(Object.keys(MACHINES) as MachineName[])('the machine %s', (machineName) => {
  const places = statesOf(machineName, MACHINES[machineName](settings));

  // Checks of tests that run side by side are only told apart by the context's own expect.
  it.concurrent.for(part(places, 4))('$path', async (place, { expect }) => {
    const cases = await differentCases(place);
    expect(JSON.stringify(cases[0]), 'a variable that the state reads has no sample').not.toContain(
      'States.QueryEvaluationError',
    );
    const reached = new Set(cases.map(([, { output }]) => (output as { next?: string } | null)?.next));
    expect([...reached], 'a way that no variation leads to').toEqual(expect.arrayContaining(waysOut(place.state)));
    await Promise.all(
      cases.map(async ([one, ours]) => {
        expect.soft(ours, one.title).toEqual(comparable(await runOnEmulator(one, sfn)));
      }),
    );
  });
});

/** The cases that do not come out alike, each with what the interpreter makes of it. */
async function differentCases(place: PlacedState): Promise<[ParityCase, Outcome][]> {
  const different = new Map<string, [ParityCase, Outcome]>();
  for (const one of casesOf(place, seen)) {
    const outcome = comparable(await runInInterpreter(one, settings.region));
    const text = JSON.stringify(outcome);
    if (!different.has(text)) different.set(text, [one, outcome]);
  }
  return [...different.values()];
}
