import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redriveWhereAsked } from '../../rehearsal/redrive.ts';
import { directoryFingerprint } from '../../rehearsal/source-data.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import { servedEvents } from '../../rehearsal/writer.ts';
import { rollbackMachine } from '../../statemachine/rollback/rollback.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates } from '../statemachine/graph.ts';
import { part } from '../support/extent.ts';
import { failing, failingInTurn } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { run, type Standing, standing, underWriter } from '../support/standing.ts';

const directory = mkdtempSync(join(tmpdir(), 'rollback-'));
const sourceDirectory = join(directory, 'data');
beforeAll(() => makeSmallRelay(sourceDirectory));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const served = async ({ world, acknowledged }: Stage): Promise<number> =>
  (await servedEvents(world.endpoint, acknowledged)).size;
const holder = async ({ target }: Stage): Promise<string> =>
  (await target.query('SELECT holder FROM cutover.authority')).rows[0]?.holder;

describe('a rollback after a week of writes', () => {
  it('brings back what was added, replaced and deleted, and a new prepare and cutover complete', async () => {
    await rehearsed({
      options: { afterwards: 'rollback', sourceDirectory },
      whileItStands: async (record, stage) => {
        expect([record.outcome, record.exitCode, record.serving.store, record.sentence]).toEqual([
          'RolledBack',
          0,
          'sqlite',
          'The old relay serves from SQLite again, and everything that PostgreSQL had accepted was brought back and compared.',
        ]);
        expect(record.tables.map(({ verdict }) => verdict)).toEqual(['verified', 'verified', 'verified']);
        expect(record.published.served).toBe(record.published.acknowledged);
        expect(stage.author?.gone.length).toBe(4);
        const prepared = await underWriter(stage, () => run(stage, 'prepare'));
        expect(prepared, prepared.cause).toMatchObject({ status: 'SUCCEEDED' });
        const again = await underWriter(stage, () => run(stage, 'cutover'));
        expect(again, again.cause).toMatchObject({ status: 'SUCCEEDED' });
        expect(await served(stage)).toBe(stage.acknowledged.length);
        expect(await servedEvents(stage.world.endpoint, stage.author?.gone ?? [])).toEqual(new Set());
        expect(stage.world.writersLog.overlaps).toEqual([]);
      },
    });
  });

  it('says of a cutover that did not come to its end that there is nothing to roll back', async () => {
    const { record } = await rehearsed({
      faults: [failing('AssertQuiet')],
      options: { afterwards: 'rollback', sourceDirectory },
    });
    expect([record.outcome, record.exitCode]).toEqual(['RolledBack', 1]);
    expect(record.executions.map(({ machine }) => machine)).toEqual(['cutover', 'restore']);
  });
});

describe('a rollback that would lose something', () => {
  let standingRelay: Standing;
  const reverse = failing('RunReverse', 'instead', 'rollback');
  const keeping = failing('ScaleUpKeptRelay', 'instead', 'rollback');
  beforeAll(async () => {
    standingRelay = await standing({ faults: [reverse, keeping], options: { sourceDirectory } });
    keeping.repair();
  });
  afterAll(() => standingRelay.leave());

  /** Refused before the write stop: the relay was not stopped, and SQLite not touched. */
  async function expectRefused(cause: RegExp, input = {}): Promise<void> {
    const { stage } = standingRelay;
    const before = await directoryFingerprint(stage.directories.efs);
    const tasks = stage.world.ecs.tasks().filter(({ group }) => group.startsWith('service:')).length;
    expect(await run(stage, 'rollback', input)).toMatchObject({
      status: 'FAILED',
      error: 'PreflightFailed',
      cause: expect.stringMatching(cause),
    });
    expect(await directoryFingerprint(stage.directories.efs)).toEqual(before);
    expect(stage.world.ecs.tasks().filter(({ group }) => group.startsWith('service:')).length).toBe(tasks);
    expect(await served(stage)).toBe(stage.acknowledged.length);
  }

  it('is refused while more than 1% of a table is gone in PostgreSQL, and lists it', async () => {
    const { target } = standingRelay.stage;
    await target.query('CREATE SCHEMA aside; CREATE TABLE aside.kv AS SELECT * FROM kv; DELETE FROM kv');
    await expectRefused(
      /The way back would delete rows that SQLite has and PostgreSQL has not.*which is empty in PostgreSQL/s,
    );
    await target.query('INSERT INTO kv SELECT * FROM aside.kv; DROP SCHEMA aside CASCADE');
  });

  it('is refused with everything that SQLite cannot hold', async () => {
    const { target } = standingRelay.stage;
    await target.query(`CREATE TABLE groups (name text); INSERT INTO groups VALUES ('a'), ('b');
      ALTER TABLE kv ADD COLUMN expires text; UPDATE kv SET expires = 'never' WHERE key = (SELECT min(key) FROM kv)`);
    await expectRefused(
      /data that SQLite has no place for:\s+2 rows of "groups", a table that the old relay does not know\s+1 values of "kv"\."expires"/,
    );
    await target.query('ALTER TABLE kv DROP COLUMN expires; ALTER TABLE kv ALTER COLUMN value DROP NOT NULL');
    await target.query("INSERT INTO kv VALUES ('without a value', NULL)");
    await expectRefused(/rows that SQLite cannot hold:\s+1 rows of "kv" have NULL in "value"/);
    await target.query('DELETE FROM kv WHERE value IS NULL; DROP TABLE groups');
  });

  it('is refused by a database that no cutover has made the truth', async () => {
    const { target } = standingRelay.stage;
    await target.query("UPDATE cutover.authority SET holder = 'source'");
    await expectRefused(/NotCutOver: authority is with the source .* restored from a backup of before it/);
    await target.query("UPDATE cutover.authority SET holder = 'target'");
  });

  it('is refused with an unknown key in its input', () =>
    expectRefused(/Unrecognized key: "force".*Known: onFailure, comment, allowDeletions/s, { force: true }));

  it('is given up when the reverse does not succeed: the new relay serves again, and nothing was lost', async () => {
    const { stage } = standingRelay;
    const end = await underWriter(stage, () => run(stage, 'rollback'));
    expect(end).toMatchObject({
      error: 'NotRolledBack',
      cause: expect.stringMatching(
        /^The rollback was given up\. The relay serves from PostgreSQL as before and nothing was lost\. .*The write stop lasted [\d.]+ s: .*start of the relay [\d.]+ s\.$/s,
      ),
    });
    expect(await holder(stage)).toBe('target');
    expect(stage.stepFunctions.ofMachine('restore').at(-1)?.execution.status).toBe('SUCCEEDED');
    expect(await served(stage)).toBe(stage.acknowledged.length);
    expect(stage.world.writersLog.overlaps).toEqual([]);
  });

  it('is ended by restore when it was stopped in the middle', async () => {
    const { stage } = standingRelay;
    reverse.repair();
    await underWriter(stage, async () => {
      const execution = stage.stepFunctions.start('rollback', {});
      while (!execution.history.some((event) => event.stateEnteredEventDetails?.name === 'RunReverse'))
        await new Promise((resolve) => setTimeout(resolve, 20));
      execution.stop('StoppedByHand', 'somebody pressed Stop');
      await stage.stepFunctions.settled();
    });
    const restore = stage.stepFunctions.ofMachine('restore').at(-1)?.execution;
    expect(await restore?.done).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Restored' } });
    expect(await holder(stage)).toBe('source');
    expect(await served(stage)).toBe(stage.acknowledged.length);
    expect(readdirSync(stage.directories.efs).filter((name) => name.startsWith('before-reverse-')).length).toBe(1);
    expect(stage.world.writersLog.overlaps).toEqual([]);
  });
});

describe('each task of a rollback', () => {
  const tasks = part(
    allStates(rollbackMachine(parseSettings()).States)
      .filter(({ name, state }) => state.Type === 'Task' && !/^(Hold|Release|Reclaim)|Kept|ForReturn$/.test(name))
      .map(({ name }) => name)
      .filter((name) => !['AskWhoServes', 'AwaitAuthority'].includes(name)),
    2,
  );

  it('may fail for good under hold: redriven, each in its turn, it ends as if nothing had been', async () => {
    const halted: string[] = [];
    const faults = failingInTurn(tasks, 'rollback', halted);
    const { stage, leave } = await standing({ faults, options: { sourceDirectory } });
    try {
      await underWriter(stage, async () => {
        const execution = stage.stepFunctions.start('rollback', { onFailure: 'hold' });
        const end = await redriveWhereAsked(
          { ...stage, options: { ...stage.options, afterwards: 'redrive' } },
          'rollback',
          execution,
        );
        expect(end).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'RolledBack' } });
      });
      expect(halted.toSorted()).toEqual(tasks.toSorted());
      expect(await holder(stage)).toBe('source');
      expect(await served(stage)).toBe(stage.acknowledged.length);
      expect(stage.world.writersLog.overlaps).toEqual([]);
    } finally {
      await leave();
    }
  });
});
