import type { State, States } from '../statemachine/asl.ts';
import { copyAndVerifyStates } from '../statemachine/cutover/copy-and-verify.ts';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { failingStates } from '../statemachine/cutover/failing.ts';
import { lookingStates } from '../statemachine/cutover/looking.ts';
import { switchOverStates } from '../statemachine/cutover/switch-over.ts';
import { writeStopStates } from '../statemachine/cutover/write-stop.ts';
import { finalizeMachine } from '../statemachine/finalize/finalize.ts';
import { prepareMachine } from '../statemachine/prepare/prepare.ts';
import { restoreMachine } from '../statemachine/restore/restore.ts';
import { rollbackMachine } from '../statemachine/rollback/rollback.ts';
import type { Settings } from '../statemachine/settings.ts';
import { WAY_BACK, wayBackStates } from '../statemachine/way-back/way-back.ts';

/** What an operator has to know of one state. */
export interface RecoveryRow {
  state: string;
  does: string;
  /** What its failure leaves behind. */
  leaves: string;
  /** Where its failure leads by itself, under `rollback` and under `hold`. */
  byItself: string;
  redrive: string;
  type: string;
}

export interface RecoveryStretch {
  title: string;
  rows: RecoveryRow[];
}

const REDRIVE = '`redrive`';
const NOTHING = 'nothing';
const PREPARE = 'The machine `prepare`';
const ROLLBACK = 'The machine `rollback`';
const FINALIZE = 'The machine `finalize`';

/** Every state of the machines, by the stretch of the way on which it stands, in the order in which they are gone through. */
export function recovery(settings: Settings): RecoveryStretch[] {
  const switchOver = Object.entries(switchOverStates(settings, 'OnFailure', ''));
  const taking = switchOver.findIndex(([name]) => name === 'TakeAuthority');
  const wayBack = wayBackStates(settings, { next: '', again: 'ReclaimForWayBack' });
  const shared = new Set(Object.keys(wayBack));
  const cutover = cutoverMachine(settings).States;
  const ends = Object.entries(cutover).filter(([name]) => /RolledBack$/.test(name));
  const prepare = prepareMachine(settings).States;
  const finalize = finalizeMachine(settings).States;
  const rollback = rollbackMachine(settings).States;
  const inCutover = { ...restoreMachine(settings).States, ...cutover };
  const stretches: [title: string, leaves: string, states: States][] = [
    [
      PREPARE,
      'The relay serves as before. What the stack has got, it keeps, and the next `prepare` goes on with it.',
      prepare,
    ],
    ['Before the write stop', 'Nothing was changed; the old relay serves.', lookingStates(settings)],
    [
      'The relay stops',
      'The old relay has stopped or is about to. SQLite holds the truth, PostgreSQL a copy that nobody serves.',
      writeStopStates(settings, ''),
    ],
    [
      'Copy and proof',
      'No relay runs. SQLite holds the truth, PostgreSQL a copy that nobody serves.',
      copyAndVerifyStates(settings, ''),
    ],
    [
      'The switch, until PostgreSQL is the truth',
      'No relay runs. SQLite holds the truth; the template may name the new relay already, with a desired count of 0.',
      Object.fromEntries(switchOver.slice(0, taking)),
    ],
    [
      'The switch, once PostgreSQL is the truth',
      'PostgreSQL may hold the truth, and the new relay may have accepted events that SQLite never saw.',
      Object.fromEntries(switchOver.slice(taking)),
    ],
    ['A failure', 'Whatever the state that failed has left.', failingStates(settings, '')],
    [
      'The way back (in `cutover`, `restore` and `rollback`)',
      'No relay runs, or the old one is about to. Authority says which store has everything.',
      { ...wayBack, ...Object.fromEntries(ends) },
    ],
    [
      'The machine `restore`',
      'Whatever the cutover has left.',
      Object.fromEntries(Object.entries(restoreMachine(settings).States).filter(([name]) => !shared.has(name))),
    ],
    [
      FINALIZE,
      'The relay serves from PostgreSQL as before. What is archived, and what has left the stack, stays so; the next `finalize` goes on with what remains.',
      finalize,
    ],
    [
      ROLLBACK,
      'PostgreSQL holds the truth until `ReturnAuthority`. Before the way back begins nothing was changed.',
      Object.fromEntries(Object.entries(rollback).filter(([name]) => !shared.has(name))),
    ],
  ];
  // Some states bear the name of one of cutover, and lead elsewhere.
  const machines: Record<string, States> = { [PREPARE]: prepare, [ROLLBACK]: rollback, [FINALIZE]: finalize };
  return stretches.map(([title, leaves, states]) => ({
    title,
    rows: Object.keys(states).flatMap((name) => {
      const state = (machines[title] ?? inCutover)[name];
      return state ? [rowOf(name, state, leaves, title)] : [];
    }),
  }));
}

function rowOf(state: string, of: State, leavesBehind: string, stretch: string): RecoveryRow {
  const row = { state, does: of.Comment };
  if (of.Type === 'Succeed')
    return { ...row, leaves: 'An ending.', byItself: NOTHING, redrive: 'not possible', type: NOTHING };
  if (of.Type === 'Fail') {
    const redrive = 'fails here again';
    return {
      ...row,
      leaves: 'An ending; the lock is free, or another has it.',
      byItself: NOTHING,
      redrive,
      type: '`start` a new execution',
    };
  }
  // It stands before TakeAuthority, and is come to after a halt only.
  const leaves =
    state === 'OldRelayServed'
      ? 'PostgreSQL holds the truth, and the old relay may have accepted events on SQLite too.'
      : leavesBehind;
  if (/^Hold/.test(state)) return { ...row, leaves, ...heldAt(state, of, stretch) };
  const caught =
    'Catch' in of ? of.Catch?.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))?.Next : undefined;
  if (caught === undefined) return { ...row, leaves, ...uncaught(of, stretch) };
  return { ...row, leaves, ...caughtAt(caught, stretch) };
}

type Recovery = Pick<RecoveryRow, 'byItself' | 'redrive' | 'type'>;

function heldAt(state: string, of: State, stretch: string): Recovery {
  const next = 'Next' in of ? of.Next : '';
  return {
    byItself: 'stands here on purpose, with the error `HeldForOperator`',
    redrive: `goes on at \`${next}\``,
    type:
      state === 'HoldPrepare' || state === 'HoldFinalize'
        ? `${REDRIVE}, once the cause is removed`
        : `${REDRIVE}, once the cause is removed; or \`restore\` with \`{"takeOver": true}\` to ${state === 'HoldUnchanged' ? 'give the lock back' : stretch === ROLLBACK ? 'end the rollback' : 'bring the old relay back'}`,
  };
}

function caughtAt(caught: string, stretch: string): Recovery {
  if (caught === 'OnFailure' && stretch === ROLLBACK)
    return {
      byItself:
        '`rollback`: while PostgreSQL is the truth the new relay serves again, and it ends at `NotRolledBack`; else it stands at `Hold`. `hold`: stands at `Hold`',
      redrive: `from \`Hold\`: begins the way back anew, at \`${WAY_BACK}\``,
      type: `${REDRIVE}, once the cause is removed; after \`NotRolledBack\`, \`start\` a new execution of \`rollback\``,
    };
  if (caught === 'OnFailure')
    return {
      byItself: `\`rollback\`: the way back, from \`${WAY_BACK}\` to \`RolledBack\`. \`hold\`: stands at \`Hold\``,
      redrive: 'from `Hold`: authority decides, `ScaleDown` again or on to `DescribeNewRelay`',
      type: `\`rollback\`: ${NOTHING}. \`hold\`: ${REDRIVE}, once the cause is removed`,
    };
  if (caught === 'IsHeldUnchanged')
    return {
      byItself: '`rollback`: ends at `PreflightFailed`. `hold`: stands at `HoldUnchanged`',
      redrive: 'from `HoldUnchanged`: begins anew at `TakeLock`',
      type: `\`rollback\`: \`start\` a new execution. \`hold\`: ${REDRIVE}, once the cause is removed`,
    };
  if (caught === 'IsHeld')
    return {
      byItself: '`rollback`: ends at `PrepareFailed`. `hold`: stands at `HoldPrepare`',
      redrive: 'from `HoldPrepare`: begins anew at `TakeLock`',
      type: `\`rollback\`: \`start\` a new execution of \`prepare\`. \`hold\`: ${REDRIVE}, once the cause is removed`,
    };
  if (caught === 'IsFinalizeHeld')
    return {
      byItself: '`rollback`: ends at `FinalizeFailed`. `hold`: stands at `HoldFinalize`',
      redrive: 'from `HoldFinalize`: begins anew at `TakeLock`',
      type: `\`rollback\`: \`start\` a new execution of \`finalize\`. \`hold\`: ${REDRIVE}, once the cause is removed`,
    };
  return { byItself: `goes on at \`${caught}\``, redrive: 'does not come to it', type: NOTHING };
}

/** Nothing catches it: the execution fails where it stands. */
function uncaught(of: State, stretch: string): Recovery {
  const byItself =
    of.Type === 'Task' || of.Type === 'Map'
      ? 'fails here; the rule starts `restore`, which begins the way back anew'
      : 'cannot fail by what it looks at; should an expression fail, the rule starts `restore`';
  if (stretch === PREPARE || stretch === FINALIZE)
    return {
      byItself: 'cannot fail by what it looks at; should an expression fail, the execution ends here',
      redrive: 'repeats this state',
      type: `\`start\` a new execution of ${stretch.slice('The machine '.length)}`,
    };
  if (stretch.startsWith('The machine'))
    return {
      byItself: 'fails here',
      redrive: 'repeats this state',
      type: `${REDRIVE} of \`${stretch === ROLLBACK ? 'rollback' : 'restore'}\`, once the cause is removed`,
    };
  if (stretch.startsWith('The way back') && byItself.startsWith('fails'))
    return {
      byItself:
        'in `cutover`: fails here, and the rule starts `restore`. In `restore`: stands at `HoldRestore`. In `rollback`: goes on at `OnFailure`',
      redrive:
        'in `cutover`: ends at `Superseded`. In `restore`: from `HoldRestore`, begins anew at `TakeOver`. In `rollback`: from `Hold`, begins the way back anew',
      type: `${NOTHING}; where \`restore\` stands, ${REDRIVE} of its execution, once the cause is removed`,
    };
  return {
    byItself,
    redrive:
      'repeats this state; once `restore` has taken over, the execution ends at `Superseded` and changes nothing',
    type: `${NOTHING}; where \`restore\` stands, ${REDRIVE} of its execution, once the cause is removed`,
  };
}
