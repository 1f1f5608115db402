import type { Settings } from '../statemachine/settings.ts';
import type { Author } from './author.ts';
import type { Clock } from './clock.ts';
import type { Fault } from './faults.ts';
import type { HistoryEvent } from './interpreter/execution.ts';
import type { LocalStepFunctions, MachineName } from './step-functions.ts';
import type { RehearsalTarget } from './target-database.ts';
import type { RelayCommands, World } from './world.ts';
import type { AcknowledgedEvent } from './writer.ts';

export interface RehearsalOptions {
  settings: Settings;
  /** A relay's data directory; the bundled one when absent. */
  sourceDirectory?: string;
  /** Values of template parameters. */
  parameters: Record<string, string>;
  /** A PostgreSQL of the user's; an embedded one when absent. */
  databaseUrl?: string;
  /** What goes wrong on purpose. */
  faults: Fault[];
  /** How many events a second a client publishes, from the first moment to the last; 0 for none. */
  publishPerSecond: number;
  /** What a failure of the cutover leads to: the way back, or a halt until an operator redrives. */
  onFailure: 'rollback' | 'hold';
  /** The cutover waits for approval, and this is what people say to it; without it nobody is asked. */
  approval?: 'approve' | 'reject' | 'late';
  /** What is done after the execution has ended: nothing, or its cause is taken away and it is redriven, or the relay is moved back, or SQLite's file system let go of. */
  afterwards: 'nothing' | 'redrive' | 'rollback' | 'finalize';
  /** A template of the user's in place of the bundled one. */
  templateFile?: string;
  /** Commands of real relay programs in place of the stand-ins. */
  relayCommands: RelayCommands;
  /** Every execution that ends leaves its report in the local S3, as on AWS. It takes a moment each time. */
  storesReports?: boolean;
  /** Waits are shortened by this factor. */
  speed: number;
  signal: AbortSignal;
  observer: RehearsalObserver;
}

export interface RehearsalObserver {
  /** Something of the rehearsal itself has happened. */
  step(text: string): void;
  /** A line of a container's log: JSON of the migrator, or a relay's words. */
  log(container: string, line: string): void;
  /** An event of an execution's history, as it happens, and the state machine that it belongs to. */
  event(event: HistoryEvent, machine: MachineName): void;
}

/** Everything that one rehearsal has at hand. */
export interface Stage {
  options: RehearsalOptions;
  clock: Clock;
  target: RehearsalTarget;
  world: World;
  stepFunctions: LocalStepFunctions;
  /** What people say to an execution that waits for approval, until they have said it. */
  answering?: Promise<void>;
  /** Every event that a relay has acknowledged since the rehearsal began. */
  acknowledged: AcknowledgedEvent[];
  /** Writes before the cutover and after it, where a rollback follows. */
  author?: Author;
  directories: { source: string; efs: string; scratch: string };
  domain: string;
}
