import type { Settings } from '../statemachine/settings.ts';
import type { Clock } from './clock.ts';
import type { HistoryEvent } from './interpreter/execution.ts';
import type { RehearsalTarget } from './target-database.ts';
import type { World } from './world.ts';

export interface RehearsalOptions {
  settings: Settings;
  /** A relay's data directory; the bundled one when absent. */
  sourceDirectory?: string;
  /** Values of template parameters. */
  parameters: Record<string, string>;
  /** A PostgreSQL of the user's; an embedded one when absent. */
  databaseUrl?: string;
  faultName?: string;
  /** How many events a client publishes while the load runs. */
  publish: number;
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
  /** An event of the execution's history, as it happens. */
  event(event: HistoryEvent): void;
}

/** Everything that one rehearsal has at hand. */
export interface Stage {
  options: RehearsalOptions;
  clock: Clock;
  target: RehearsalTarget;
  world: World;
  directories: { source: string; efs: string; scratch: string };
  domain: string;
}
