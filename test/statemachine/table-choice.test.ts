import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates } from './graph.ts';

interface Started {
  Overrides: { ContainerOverrides: [{ Command: string[]; Environment: { Name: string; Value: string }[] }] };
}

/** What each task of the migrator is told of tables, by machine and mode. */
function told(raw: object): string[] {
  const settings = parseSettings(raw);
  return Object.entries(MACHINES).flatMap(([machine, make]) =>
    allStates(make(settings).States).flatMap(({ state }) => {
      if (state.Type !== 'Task' || !state.Resource.endsWith(':ecs:runTask.sync')) return [];
      const [{ Command, Environment }] = (state.Arguments as unknown as Started).Overrides.ContainerOverrides;
      const words = Environment.filter(({ Name }) => Name.endsWith('_TABLES')).map(
        ({ Name, Value }) => `${Name}=${Value}`,
      );
      return [[machine, ...Command, ...words].join(' ')];
    }),
  );
}

const TASKS = [
  'prepare load',
  'cutover reconcile',
  'cutover reverse',
  'restore reverse',
  'rollback check-reverse',
  'rollback reverse',
  'finalize archive',
];

describe('the tables of the settings', () => {
  it('are told to every task of the migrator, since each opens the SQLite file', () => {
    expect(told({ excludeTables: ['invite', 'a "b'], genericTables: ['media'] })).toEqual(
      TASKS.map((task) => `${task} CUTOVER_EXCLUDE_TABLES=["invite","a \\"b"] CUTOVER_GENERIC_TABLES=["media"]`),
    );
  });

  it('are not spoken of where there are none', () => {
    expect(told({})).toEqual(TASKS);
    expect(told({ genericTables: ['media'] })).toEqual(TASKS.map((task) => `${task} CUTOVER_GENERIC_TABLES=["media"]`));
  });
});
