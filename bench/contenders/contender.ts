import type { WorkFiles } from '../work-files.ts';

/** One way to bring the source into PostgreSQL, and what it takes. */
export interface Contender {
  name: string;
  /** As table and plot call it. */
  title: string;
  /** What it does and what it leaves out, for whoever compares the figures. */
  remark: string;
  /** Begins with the database that this contender has left in the same round, in place of an empty one. */
  continues?: string;
  /** Is left out where the source has more events. */
  eventsMax?: number;
  /** One round is enough where the first one took longer. */
  onceAboveSeconds?: number;
  /** Leaves out what the relay needs of PostgreSQL: full-text search, keys by their names. */
  rowsOnly?: true;
  /** A program of others, whose failure is a result and not the end of the run. */
  foreign?: true;
  /** Why it cannot run here; undefined when it can. */
  absence?(): Promise<string | undefined>;
  /** Makes its files before any clock starts. */
  prepare?(files: WorkFiles): Promise<void>;
  /** The SQLite file whose rows the database holds afterwards. */
  source(files: WorkFiles): string;
  /** @param url signs in to the database as its owner */
  run(files: WorkFiles, url: string): Promise<Measurement>;
}

export interface Measurement {
  /** Wall time of everything that counts. */
  seconds: number;
  /** Seconds of its parts by name, in their order. */
  parts?: Record<string, number>;
  /** The most memory that any of its processes had, where it is known. */
  peakMemoryMebibytes?: number;
}
