import { expect } from 'vitest';
import type { Stage } from '../../rehearsal/stage.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { failing } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { underWriter } from '../support/standing.ts';
import { expectAllKept } from './kept.ts';
import { createKiller, type Killer, type Victim, type When } from './killer.ts';
import { type Leg, legs } from './legs.ts';
import { type ChaosState, chaosStates, isApplicable } from './states.ts';

const ROUNDS_MAX = 12;

/**
 * One relay that goes to PostgreSQL and back several times while one kind of process is killed around every state, each
 * in its turn, and looks after every stretch whether anything was lost.
 *
 * @param wishes.stretches also what comes after `prepare` and the first cutover
 * @param wishes.onKill hears of each kill when it is made, so that it is counted also where the walk fails later
 */
export async function walk(
  victim: Victim,
  when: When,
  sourceDirectory: string,
  { stretches = true, onKill = () => {} }: { stretches?: boolean; onKill?(state: ChaosState): void } = {},
): Promise<Pick<Killer, 'killed' | 'passed'>> {
  let onStage: Stage | undefined;
  const stage = (): Stage => {
    if (onStage) return onStage;
    throw new Error('Nothing can be killed before the first task is called.');
  };
  const killer = createKiller(victim, when, stage, onKill);
  const all = stretches ? legs() : [];
  for (const { broken } of all) repair(broken);
  aimAt(killer, victim, 'prepare');
  await rehearsed({
    faults: [
      {
        // The first task of all tells on which stage all this takes place.
        ...failing('TakeLock', 'instead', 'prepare'),
        embeddedOnly: true,
        harm(stage) {
          onStage = stage;
        },
      },
      ...killer.faults,
      // A redrive takes away what was killed, and not what is broken all the while.
      ...all.flatMap(({ broken }) => broken.map((one) => ({ ...one, repair() {} }))),
    ],
    // A relay that was killed, on a machine that is busy with other things, may take its time.
    settings: { startTimeoutSeconds: 480, writeStopSecondsMax: 2_400 },
    options: {
      ...{ sourceDirectory, onFailure: 'hold', afterwards: 'redrive' },
      observer: { step() {}, log() {}, event: killer.watch },
    },
    async whileItStands(record, stage) {
      expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
      await killer.rest();
      for (const leg of all) await walkLeg(leg, stage, killer, victim, when);
    },
  }).finally(killer.end);
  return killer;
}

async function walkLeg(leg: Leg, stage: Stage, killer: Killer, victim: Victim, when: When): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = killer.killed.size;
    aimAt(killer, victim, leg.machine);
    // Nothing is left there that this victim could be hit at, as for most of them when it is the migrator.
    if (killer.missed().length === 0) return;
    await killer.rest();
    await underWriter(stage, () => leg.before(stage));
    for (const one of leg.broken) one.arm();
    aimAt(killer, victim, leg.machine);
    const end = await underWriter(stage, () => leg.round(stage).finally(killer.rest));
    repair(leg.broken);
    expect(end, leg.title).toMatch(leg.ends);
    await expectAllKept(stage, leg.holder, leg.title);
    const hits = killer.killed.size - before;
    console.log(`${victim}, ${when}: ${leg.title}: ${end} after ${hits} kills`);
    if (leg.inOneRound || hits === 0) return;
  }
}

function aimAt(killer: Killer, victim: Victim, machine: MachineName): void {
  const states = chaosStates().filter((state) => state.machine === machine && isApplicable(victim, state));
  killer.aimAt(
    machine,
    states.map(({ name }) => name),
  );
}

function repair(broken: Leg['broken']): void {
  for (const one of broken) one.repair();
}
