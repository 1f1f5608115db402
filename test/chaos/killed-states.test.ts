import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallRelay } from '../support/small-relay.ts';
import { reasonOff } from './off-the-way.ts';
import { chaosStates, isApplicable } from './states.ts';
import { walk } from './walk.ts';

const states = chaosStates();

describe.concurrent('every state of every machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'));
  const sourceDirectory = join(directory, 'data');
  beforeAll(() => makeSmallRelay(sourceDirectory, 40));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
    console.log(needNotBeHit());
  });

  it.for([
    ['database', 'before'],
    ['database', 'during'],
    ['database', 'after'],
    ['migrator', 'before'],
    ['migrator', 'during'],
    ['migrator', 'after'],
  ] as const)('may have the %s killed %s it, and comes to the same end', async ([victim, when], { task }) => {
    const { killed, passed } = await walk(victim, when, sourceDirectory, {
      onKill({ machine }) {
        const kind = `${victim} ${when} ${machine}`;
        task.meta.kills = { ...task.meta.kills, [kind]: (task.meta.kills?.[kind] ?? 0) + 1 };
      },
    });
    const due = states.filter((state) => isApplicable(victim, state) && reasonOff(state, when) === undefined);
    expect(due.map(({ machine, name }) => `${machine} ${name}`).filter((name) => !killed.has(name))).toEqual([]);
    if (victim !== 'database' || when !== 'after') return;
    const between = states.filter((state) => !state.isTask && reasonOff(state, when) === undefined);
    expect(between.map(({ machine, name }) => `${machine} ${name}`).filter((name) => !passed.has(name))).toEqual([]);
    console.log(`States without a call that were passed while the database was dead: ${passed.size}`);
  });
});

function needNotBeHit(): string {
  const off = states.flatMap((state) => {
    const reason = reasonOff(state, 'after');
    return reason ? [`  ${state.machine} ${state.name}: ${reason}`] : [];
  });
  const withoutMigrator = states.filter(({ runsMigrator }) => !runsMigrator).length;
  return [
    `Need not be hit: the migrator in ${withoutMigrator} of ${states.length} states, in which none runs; and`,
    ...off,
  ].join('\n');
}
