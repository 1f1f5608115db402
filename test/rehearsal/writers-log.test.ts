import { describe, expect, it } from 'vitest';
import type { ContainerDefinition } from '../../rehearsal/ecs/model.ts';
import { createWritersLog } from '../../rehearsal/writers-log.ts';
import { parseSettings } from '../../statemachine/settings.ts';

const { names } = parseSettings();
const onSqlite: ContainerDefinition = {
  name: names.container,
  image: 'old',
  environment: [{ name: names.dataVariable, value: '/app/data' }],
};
const onPostgres: ContainerDefinition = {
  name: names.container,
  image: 'new',
  secrets: [{ name: names.databaseUrlVariable, valueFrom: 'arn' }],
};
const migrator: ContainerDefinition = {
  name: names.migrationContainer,
  image: 'migrate',
  secrets: onPostgres.secrets ?? [],
};
const mode = (name: string) => ({ name: names.migrationContainer, command: [name] });

/** A container that runs until it is ended. */
function running() {
  let end = (_code: number): void => {};
  const exited = new Promise<number>((resolve) => {
    end = resolve;
  });
  return { exited, end: () => end(0) };
}

describe('the log of what could write at the same time', () => {
  it.each([
    [onSqlite, onPostgres, 'a relay on PostgreSQL was started while a relay on SQLite still ran'],
    [onPostgres, onSqlite, 'a relay on SQLite was started while a relay on PostgreSQL still ran'],
    [onSqlite, onSqlite, 'a relay on SQLite was started while a relay on SQLite still ran'],
  ])('tells of two relays at once', (first, second, sentence) => {
    const log = createWritersLog(names);
    log.onStart(first, undefined, running().exited);
    log.onStart(second, undefined, running().exited);
    expect(log.overlaps).toEqual([sentence]);
  });

  it('tells of a relay beside the migrator that writes to SQLite, and of no other mode', () => {
    const log = createWritersLog(names);
    log.onStart(onSqlite, undefined, running().exited);
    for (const other of ['check', 'load', 'reconcile', 'verify']) log.onStart(migrator, mode(other), running().exited);
    expect(log.overlaps).toEqual([]);
    log.onStart(migrator, mode('reverse'), running().exited);
    expect(log.overlaps).toEqual(['the migrator that writes to SQLite was started while a relay on SQLite still ran']);
  });

  it('says nothing of a relay that has ended before the other one starts', async () => {
    const log = createWritersLog(names);
    const first = running();
    log.onStart(onSqlite, undefined, first.exited);
    first.end();
    await first.exited;
    log.onStart(onPostgres, undefined, running().exited);
    expect(log.overlaps).toEqual([]);
  });
});
