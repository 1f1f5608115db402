import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryFingerprint } from '../../rehearsal/source-data.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { bundleCommand } from '../support/bundled-command.ts';
import { isFull } from '../support/extent.ts';
import { dropDatabase, freshDatabase } from '../support/postgres.ts';
import { EVENTS_PER_SECOND } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { withClient } from '../support/table-bytes.ts';
import { type Death, leftBehind, runRehearsal, type Wishes } from './killed-rehearsal.ts';
import type { When } from './killer.ts';
import { chaosStates } from './states.ts';

/** One kind of rehearsal, in which the states of one machine are where it dies. */
interface Chain {
  machine: MachineName;
  afterwards: Wishes['afterwards'];
  faults: string[];
  outcome: string;
  /** Those that an undisturbed one goes through have to be this many at least. */
  statesMin: number;
}

const CHAINS: Chain[] = [
  { machine: 'prepare', afterwards: 'nothing', faults: [], outcome: 'CutoverComplete', statesMin: 13 },
  { machine: 'cutover', afterwards: 'nothing', faults: [], outcome: 'CutoverComplete', statesMin: 34 },
  { machine: 'cutover', afterwards: 'nothing', faults: ['unhealthy'], outcome: 'RolledBack', statesMin: 60 },
  { machine: 'restore', afterwards: 'nothing', faults: ['stopped'], outcome: 'Restored', statesMin: 15 },
  { machine: 'rollback', afterwards: 'rollback', faults: [], outcome: 'RolledBack', statesMin: 36 },
  { machine: 'finalize', afterwards: 'finalize', faults: [], outcome: 'FinalizeComplete', statesMin: 16 },
];

const states = new Map(chaosStates().map((state) => [`${state.machine} ${state.name}`, state]));

/**
 * Where the rehearsal dies: in the middle of every task, and where a state begins and ends. Between the end of a state and
 * the beginning of the next nothing happens, so that a bounded run takes each of these moments once: every state's
 * beginning for the machines that every rehearsal has, one in four of them for the others; a full one takes all.
 */
function deathsOf({ machine, faults }: Chain, visited: string[], earlier: string[]): Death[] {
  const isCommon = faults.length === 0 && (machine === 'prepare' || machine === 'cutover');
  const fresh = visited.filter((name) => name.startsWith(`${machine} `) && !earlier.includes(name));
  return fresh.flatMap((name, index) => {
    const { name: state, isTask, runsMigrator } = states.get(name) as NonNullable<ReturnType<typeof states.get>>;
    const during: When[] = isTask ? ['during'] : [];
    const around: When[] = isFull ? ['before', 'after'] : isCommon || index % 4 === 0 ? ['before'] : [];
    const last: When[] = index === fresh.length - 1 && !isFull ? ['after'] : [];
    return [...during, ...around, ...last].map((when, one) => ({
      ...{ machine, state, when },
      ...(runsMigrator && when === 'during' && { atMoment: true }),
      ...((index + one) % 2 === 1 && { group: true }),
    }));
  });
}

describe.concurrent('a rehearsal that is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-killed-'));
  // As root, PostgreSQL runs under an account of its own and has to get in.
  chmodSync(directory, 0o755);
  const sourceDirectory = join(directory, 'data');
  let bundle: Awaited<ReturnType<typeof bundleCommand>>;
  let sourceBefore: string[];
  /** What the cutover without a fault has gone through; the one that goes back is killed after that only. */
  let forward: Promise<string[]> | undefined;
  beforeAll(async () => {
    makeSmallRelay(sourceDirectory, 40);
    sourceBefore = await directoryFingerprint(sourceDirectory);
    bundle = await bundleCommand('test/chaos/rehearsal-that-dies.ts');
  });
  afterAll(() => {
    bundle.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A place of its own for the rehearsals of one chain, and their database, made anew when one has become the truth. */
  function placeOf({ afterwards, faults }: Chain) {
    const temporary = mkdtempSync(join(directory, 'tmp-'));
    chmodSync(temporary, 0o755);
    let url: string | undefined;
    // A role belongs to whoever has made it, and so to one database.
    let role = '';
    let refusals = 0;
    const wishes = async (): Promise<Wishes> => {
      if (url === undefined) {
        url = (await freshDatabase()).url;
        role = `verifier_${randomBytes(4).toString('hex')}`;
      }
      return { sourceDirectory, databaseUrl: url, faults, publishPerSecond: EVENTS_PER_SECOND, afterwards };
    };
    const rehearse = async (death?: Death, embedded = false) => {
      const { databaseUrl, ...others } = await wishes();
      const asked = { ...others, ...(!embedded && { databaseUrl: databaseUrl as string }), ...(death && { death }) };
      const end = await runRehearsal(bundle.command, temporary, role, asked);
      expect(await leftBehind(temporary), JSON.stringify(death)).toEqual([]);
      expect(await directoryFingerprint(sourceDirectory), JSON.stringify(death)).toEqual(sourceBefore);
      return end;
    };
    /** A database that is the truth by now is refused, with one sentence, and left as it is. */
    const renewWhereTruth = async (): Promise<void> => {
      const { databaseUrl = '' } = await wishes();
      const holder = await withClient(databaseUrl, async (client) => {
        const { rows } = await client.query("SELECT to_regclass('cutover.authority') AS there");
        return rows[0].there && (await client.query('SELECT holder FROM cutover.authority')).rows[0]?.holder;
      });
      if (holder !== 'target') return;
      if (refusals++ === 0) {
        const { code, errors } = await rehearse();
        expect(code).not.toBe(0);
        expect(errors).toMatch(/Refused: Your PostgreSQL at .* is the truth since an earlier cutover/);
      }
      await dropDatabase(databaseUrl);
      url = undefined;
    };
    return { rehearse, renewWhereTruth };
  }

  const undisturbed = async (chain: Chain, rehearse: ReturnType<typeof placeOf>['rehearse']): Promise<string[]> => {
    const { code, output, errors } = await rehearse();
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const { states: visited, outcome, sentence } = JSON.parse(output);
    expect([outcome, sentence]).toEqual([chain.outcome, expect.any(String)]);
    return visited;
  };

  it.for(CHAINS)('in $machine $faults leaves nothing behind, and the next one completes', async (chain, { task }) => {
    const kills: Record<string, number> = {};
    task.meta.kills = kills;
    const { rehearse, renewWhereTruth } = placeOf(chain);
    const first = undisturbed(chain, rehearse);
    if (chain.machine === 'cutover' && chain.faults.length === 0) forward = first;
    const visited = await first;
    expect(visited.filter((name) => name.startsWith(`${chain.machine} `)).length).toBeGreaterThan(chain.statesMin);
    await renewWhereTruth();
    const deaths = deathsOf(chain, visited, chain.faults.includes('unhealthy') ? ((await forward) ?? []) : []);
    for (const [index, death] of deaths.entries()) {
      // Each goes on from what the one before has left in the database; some have an embedded one, which dies with them.
      const end = await rehearse(death, index % 8 === 7);
      expect(end, JSON.stringify(death)).toMatchObject({ signal: 'SIGKILL', output: '', errors: '' });
      const kind = `rehearsal ${death.when} ${death.machine}`;
      kills[kind] = (kills[kind] ?? 0) + 1;
      await renewWhereTruth();
    }
    await undisturbed(chain, rehearse);
    await renewWhereTruth();
    console.log(
      `killed in ${[chain.machine, ...chain.faults].join(' ')}: ${deaths.length} rehearsals; the next completed`,
    );
  });
});
