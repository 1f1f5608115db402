import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { Stage } from '../../rehearsal/stage.ts';
import { servedEvents } from '../../rehearsal/writer.ts';

const EVENTS = 'sphere_relay__events';

/**
 * What has to be true after every ending: the store that holds the truth has each event that a relay ever acknowledged,
 * once, the relay that serves now gives it out, and never did two write at once.
 */
export async function expectAllKept(stage: Stage, holder: 'source' | 'target', where: string): Promise<void> {
  const { world, target, acknowledged } = stage;
  const { rows } = await target.query('SELECT holder FROM cutover.authority');
  expect(rows, where).toEqual([{ holder }]);
  const ids = acknowledged.map(({ id }) => id).sort();
  expect(new Set(ids).size, where).toBe(ids.length);
  expect(await storedIn(stage, holder, ids), where).toEqual(ids);
  expect((await servedEvents(world.endpoint, acknowledged)).size, where).toBe(ids.length);
  expect(world.writersLog.overlaps, where).toEqual([]);
}

/** Those of the events that stand in a store, each as often as it stands there, read past any relay. */
async function storedIn({ target, directories }: Stage, holder: 'source' | 'target', ids: string[]): Promise<string[]> {
  if (holder === 'target') {
    const { rows } = await target.query(`SELECT id FROM ${EVENTS} WHERE id = ANY($1) ORDER BY id COLLATE "C"`, [ids]);
    return rows.map(({ id }) => id as string);
  }
  const database = new Database(join(directories.efs, 'db'), { readonly: true });
  try {
    const select = database.prepare(
      `SELECT id FROM ${EVENTS} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`,
    );
    return select.pluck().all(JSON.stringify(ids)) as string[];
  } finally {
    database.close();
  }
}
