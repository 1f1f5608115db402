import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recovery } from '../report/recovery.ts';
import { recoveryDocument } from '../report/recovery-document.ts';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { finalizeMachine } from '../statemachine/finalize/finalize.ts';
import { prepareMachine } from '../statemachine/prepare/prepare.ts';
import { restoreMachine } from '../statemachine/restore/restore.ts';
import { rollbackMachine } from '../statemachine/rollback/rollback.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { wayBackStates } from '../statemachine/way-back/way-back.ts';

const settings = parseSettings();

describe('docs/recovery.md', () => {
  it('says what the state machines say ("npm run docs" writes it anew)', () => {
    expect(readFileSync('docs/recovery.md', 'utf8')).toBe(recoveryDocument(settings));
  });

  it('has a row for every state of prepare and finalize, of rollback beside the way back, and of the other two, once', () => {
    const wayBack = wayBackStates(settings, { next: '', again: '', exhausted: '' });
    const rows = (stretches: ReturnType<typeof recovery>) => {
      const [prepare, ...rest] = stretches;
      const [finalize, rollback] = rest.splice(-2);
      return {
        prepare: prepare?.rows.map(({ state }) => state),
        finalize: finalize?.rows.map(({ state }) => state),
        rollback: rollback?.rows.map(({ state }) => state),
        others: rest.flatMap((stretch) => stretch.rows.map(({ state }) => state)).toSorted(),
      };
    };
    const states = [cutoverMachine(settings), restoreMachine(settings)].flatMap(({ States }) => Object.keys(States));
    expect(rows(recovery(settings))).toEqual({
      prepare: Object.keys(prepareMachine(settings).States),
      finalize: Object.keys(finalizeMachine(settings).States),
      rollback: Object.keys(rollbackMachine(settings).States).filter((name) => !(name in wayBack)),
      others: [...new Set(states)].sort(),
    });
  });

  it('leaves no cell empty, and names only states that there are', () => {
    const rows = recovery(settings).flatMap((stretch) => stretch.rows);
    const names = new Set(rows.map(({ state }) => state));
    for (const row of rows) {
      for (const [column, cell] of Object.entries(row)) expect(cell, `${row.state} ${column}`).not.toBe('');
      const named = `${row.byItself} ${row.redrive}`.match(/`[A-Z]\w+`/g) ?? [];
      for (const name of named) if (name !== '`HeldForOperator`') expect(names, row.state).toContain(name.slice(1, -1));
    }
  });
});
