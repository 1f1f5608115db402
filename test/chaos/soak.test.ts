import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../rehearsal/stage.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { run, standing, underWriter } from '../support/standing.ts';
import { expectAllKept } from './kept.ts';

/** How often the relay goes there and back. */
const ROUNDS = Number(process.env.RELAY_CUTOVER_SOAK_ROUNDS ?? 50);
const MEBIBYTE = 2 ** 20;

/** What must not grow, and by how much it may differ between the first rounds and the last. */
const LEVELS: { title: keyof Level; margin(first: number): number }[] = [
  // The writer and the load balancer may hold a connection or two at the moment of counting.
  { title: 'fileDescriptors', margin: () => 4 },
  { title: 'databaseConnections', margin: () => 2 },
  { title: 'heapMebibytes', margin: (first) => 4 + first * 0.1 },
  // The allocator keeps what it once had; the heap above is the exact figure.
  { title: 'residentMebibytes', margin: (first) => 16 + first * 0.15 },
];

interface Level {
  fileDescriptors: number;
  databaseConnections: number;
  heapMebibytes: number;
  residentMebibytes: number;
}

describe('a relay that goes to PostgreSQL and back again and again', () => {
  it(`keeps every acknowledged event, and leaks nothing, in ${ROUNDS} rounds`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'soak-'));
    const sourceDirectory = join(directory, 'data');
    makeSmallRelay(sourceDirectory, 40);
    const { stage, record, leave } = await standing({
      // Nothing is to fail here: on a machine that is busy with other things a relay may take its time.
      settings: { startTimeoutSeconds: 600, writeStopSecondsMax: 3_600 },
      options: { sourceDirectory, observer: { step() {}, log() {}, event() {} } },
    });
    try {
      // The first cutover is that of the rehearsal itself.
      expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
      const levels = await underWriter(stage, () => thereAndBack(stage));
      await expectAllKept(stage, 'source', 'at the end');
      console.log(summaryOf(levels, stage));
      expect(levels.length).toBe(ROUNDS);
      for (const { title, margin } of LEVELS) {
        const [first, last] = firstAndLast(levels.map((level) => level[title]));
        expect(last, `${title}: ${first} in the first third`).toBeLessThanOrEqual(first + margin(first));
      }
    } finally {
      await leave();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

async function thereAndBack(stage: Stage): Promise<Level[]> {
  const levels: Level[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const back = await run(stage, 'rollback');
    expect(back, `round ${round}: ${back.cause}`).toMatchObject({ output: { outcome: 'RolledBack' } });
    await expectAllKept(stage, 'source', `round ${round}`);
    // As old histories leave Step Functions; otherwise they alone would be what grows.
    stage.stepFunctions.started.length = 0;
    levels.push(await levelOf(stage));
    if (round === ROUNDS) break;
    const there = await run(stage, 'cutover');
    expect(there, `round ${round}: ${there.cause}`).toMatchObject({ output: { outcome: 'CutoverComplete' } });
  }
  return levels;
}

async function levelOf({ target }: Stage): Promise<Level> {
  collectGarbage();
  const { rows } = await target.query(
    'SELECT count(*)::int AS connections FROM pg_stat_activity WHERE datname = current_database()',
  );
  const { rss, heapUsed } = process.memoryUsage();
  return {
    // macOS has the same under another name; elsewhere nothing is counted.
    fileDescriptors: openFiles(),
    databaseConnections: rows[0].connections,
    heapMebibytes: heapUsed / MEBIBYTE,
    residentMebibytes: rss / MEBIBYTE,
  };
}

function openFiles(): number {
  try {
    return readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd').length;
  } catch {
    return 0;
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Medians of the first third and of the last. */
function firstAndLast(numbers: number[]): [number, number] {
  const third = Math.max(1, Math.floor(numbers.length / 3));
  const median = (some: number[]): number => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] as number;
  return [median(numbers.slice(0, third)), median(numbers.slice(-third))];
}

function summaryOf(levels: Level[], { acknowledged }: Stage): string {
  const figures = LEVELS.map(({ title }) => {
    const [first, last] = firstAndLast(levels.map((level) => level[title]));
    return `${title} ${first.toFixed(1)} -> ${last.toFixed(1)}`;
  });
  return `${levels.length} cutovers and rollbacks, ${acknowledged.length} events acknowledged and all there; first third -> last: ${figures.join(', ')}`;
}
