export type Store = 'sqlite' | 'postgres';
export type Holder = 'source' | 'target';

/** An event that a relay has acknowledged. */
export interface Accepted {
  id: string;
  atSeconds: number;
  store: Store;
  /** Whether a person started that relay, and not a machine. */
  byHand: boolean;
  /** Who held the truth at that moment. */
  holder: Holder;
}

/** A relay that began to serve. */
export interface RelayStart {
  atSeconds: number;
  store: Store;
  image: string;
  byHand: boolean;
  holder: Holder;
  /** Whether authority is with the target by a run that was verified. */
  isVerified: boolean;
  /** Accepted events that its store has not, or has twice. */
  missing: string[];
  doubled: string[];
  /** What else wrote at that moment, leaving out what a person started. */
  others: string[];
}

/** Something that a function did to the world. */
export interface Change {
  atSeconds: number;
  what: string;
  /** Names of executions. */
  by: string;
  lockOwner: string;
  /** For how long that one has had the lock, in seconds. */
  lockAgeSeconds: number;
}

/** The end of an execution; a redriven one ends again. */
export interface Ending {
  atSeconds: number;
  machine: string;
  execution: string;
  /** The state that it was in. */
  state: string;
  status: string;
  error: string;
  /** Whether a relay served then, as it should. */
  isServed: boolean;
  /** For how many days PostgreSQL had held the truth; 0 where it did not. */
  daysOnTarget: number;
}

/** What is written down of a run while it goes on; the properties look at this, and at the world as it ends. */
export interface Records {
  accepted: Accepted[];
  starts: RelayStart[];
  changes: Change[];
  endings: Ending[];
  /** Where a secret stood in a history. */
  leaks: string[];
  /** For how long a cutover went forward after its second look at the stopped relay. */
  forward: { execution: string; seconds: number }[];
  /** Executions that a person has approved. */
  approved: Set<string>;
  /** Whether a person has scaled the service down. */
  handDown: boolean;
  /** What is wrong with the template as it ends. */
  templateFindings: string[];
  /** Relays that stopped while a machine ran that promises not to touch them. */
  disturbed: string[];
  /** Files that were stored in the archive: rows of events, and whose. */
  archived: Set<string>;
  /** What the model itself could not answer. */
  misunderstood: string[];
  /** Why the run came to no end; empty otherwise. */
  stuck: string;
}

export function emptyRecords(): Records {
  return {
    ...{ accepted: [], starts: [], changes: [], endings: [], leaks: [], forward: [], disturbed: [], misunderstood: [] },
    ...{ templateFindings: [], handDown: false },
    archived: new Set(),
    approved: new Set(),
    stuck: '',
  };
}

/**
 * An event that a relay took which a person had started on the store that did not hold the truth: no machine can prevent that, or
 * know of it once ECS has forgotten the task.
 */
export function isExcused({ byHand, store, holder }: Accepted): boolean {
  return byHand && (store === 'sqlite') !== (holder === 'source');
}
