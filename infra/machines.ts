import type { StateMachine as Definition } from '../statemachine/asl.ts';
import type { MachineName } from '../statemachine/machine-names.ts';
import { MACHINES } from '../statemachine/machines.ts';
import type { Settings } from '../statemachine/settings.ts';

export interface MachinePlan {
  name: MachineName;
  /** What a person reads beside the output that has its ARN. */
  start: string;
  definition: Definition;
  /** Families of the task definitions that it may run: that of `rollback` alone writes to the file system. */
  runs: ('migration' | 'rollback')[];
}

/** Every state machine of the stack, and what of it differs from the others; the rest of its rights its states say. */
export function machinePlans(settings: Settings): MachinePlan[] {
  return [
    {
      name: 'prepare',
      start: 'Start it with {} while the relay is live',
      definition: MACHINES.prepare(settings),
      runs: ['migration'],
    },
    {
      name: 'cutover',
      start: 'Start it with {} when prepare has succeeded',
      definition: MACHINES.cutover(settings),
      runs: ['migration', 'rollback'],
    },
    {
      name: 'restore',
      start: 'Starts by itself; start it with {"takeOver": true} to give up a cutover that is held',
      definition: MACHINES.restore(settings),
      runs: ['rollback'],
    },
    {
      name: 'rollback',
      start: 'Start it with {} to go back to SQLite with all that PostgreSQL has accepted, until finalize has run',
      definition: MACHINES.rollback(settings),
      runs: ['migration', 'rollback'],
    },
    {
      name: 'finalize',
      start: `Start it with {} ${settings.confidenceDays} days after the cutover; with {"deleteFileSystem": true} the file system goes too`,
      definition: MACHINES.finalize(settings),
      runs: ['migration'],
    },
  ];
}
