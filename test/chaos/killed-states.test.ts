import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallRelay } from '../support/small-relay.ts';
import { reasonOff } from './off-the-way.ts';
import { chaosStates, isApplicable } from './states.ts';
import { walk } from './walk.ts';

const states = chaosStates();
const kills: Record<string, number> = {};

describe.concurrent('every state of every machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'));
  const sourceDirectory = join(directory, 'data');
  beforeAll(() => makeSmallRelay(sourceDirectory));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
    console.log(summary());
  });

  it.each([
    ['database', 'before'],
    ['database', 'during'],
    ['database', 'after'],
    ['migrator', 'before'],
    ['migrator', 'during'],
    ['migrator', 'after'],
  ] as const)('may have the %s killed %s it, and comes to the same end', async (victim, when) => {
    const { killed, passed } = await walk(victim, when, sourceDirectory);
    for (const { machine, name } of states) {
      if (killed.has(`${machine} ${name}`))
        kills[`${victim} ${when} ${machine}`] = (kills[`${victim} ${when} ${machine}`] ?? 0) + 1;
    }
    const due = states.filter((state) => isApplicable(victim, state) && reasonOff(state, when) === undefined);
    expect(due.map(({ machine, name }) => `${machine} ${name}`).filter((name) => !killed.has(name))).toEqual([]);
    if (victim !== 'database' || when !== 'after') return;
    const between = states.filter((state) => !state.isTask && reasonOff(state, when) === undefined);
    expect(between.map(({ machine, name }) => `${machine} ${name}`).filter((name) => !passed.has(name))).toEqual([]);
    kills['without a call, passed while the database was dead'] = passed.size;
  });
});

function summary(): string {
  const off = states.flatMap((state) => {
    const reason = reasonOff(state, 'after');
    return reason ? [`  ${state.machine} ${state.name}: ${reason}`] : [];
  });
  const withoutMigrator = states.filter(({ runsMigrator }) => !runsMigrator).length;
  return [
    'Kills:',
    ...Object.entries(kills).map(([kind, count]) => `  ${kind}: ${count}`),
    `Not applicable: the migrator in ${withoutMigrator} of ${states.length} states, in which none runs; and`,
    ...off,
  ].join('\n');
}
