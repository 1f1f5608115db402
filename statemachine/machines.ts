import type { StateMachine } from './asl.ts';
import { cutoverMachine } from './cutover/cutover.ts';
import { finalizeMachine } from './finalize/finalize.ts';
import type { MachineName } from './machine-names.ts';
import { prepareMachine } from './prepare/prepare.ts';
import { restoreMachine } from './restore/restore.ts';
import { rollbackMachine } from './rollback/rollback.ts';
import type { Settings } from './settings.ts';

/** Every state machine that there is: what is deployed, rehearsed and checked. */
export const MACHINES: Record<MachineName, (settings: Settings) => StateMachine> = {
  prepare: prepareMachine,
  cutover: cutoverMachine,
  restore: restoreMachine,
  rollback: rollbackMachine,
  finalize: finalizeMachine,
};
