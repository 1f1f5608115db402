import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ChangePurpose } from '../../statemachine/change-set-states.ts';
import type { Names } from '../../statemachine/settings.ts';
import type { LockStore } from '../execution-lock/lock-store.ts';
import type { AskRegistry } from '../preflight/image-registry.ts';
import type { PrepareSettings } from '../preflight/prepare-checks.ts';
import type { ArtefactStore } from './artefacts.ts';

/** One step of a stack change, as the state machine hands it over. */
export interface ChangeStackEvent {
  action: 'propose' | 'inspect' | 'execute' | 'await';
  /** Name of the execution: the original template is kept under it. */
  execution: string;
  /** ARN of the calling execution: it has to have the stack's lock. */
  owner: string;
  /** ISO time after which nothing is waited for any more; null for none. */
  deadline: string | null;
  purpose: ChangePurpose;
  stackName: string;
  names?: Names;
  /** Image reference for the default in the template: needed by the purpose `switch`; `remove-efs` leaves the default where it is null. */
  newImage?: string | null;
  /** The same with a digest, for the parameter's value. */
  pinnedImage?: string;
  /** Needed by the purpose `prepare` alone. */
  prepare?: { settings: PrepareSettings; migratorImage: string };
  /** The value that the desired-count parameter gets, in tasks. */
  desiredCount: number;
  /** What tells a redrive or a repetition from the attempt before it; part of the change set's name. */
  attempt?: string;
  /** ARN, from `propose`. */
  changeSet?: string;
  /** From `inspect`; a change set without changes is not executed. */
  outcome?: 'ready' | 'empty';
}

/** Asks for a stack policy. */
export interface ProtectStackEvent {
  action: 'protect';
  owner: string;
  stackName: string;
  names: Names;
  deadline?: null;
}

/** Asks for what a cutover kept of the stack. */
export interface FindOriginalEvent {
  action: 'find-original';
  owner: string;
  stackName: string;
  names?: Names;
  /** Name of the cutover's execution. */
  execution: string;
  deadline?: null;
}

/** Asks for a stack at rest, before the way back begins. */
export interface RestStackEvent {
  action: 'rest';
  owner: string;
  stackName: string;
  deadline?: null;
}

export interface ChangeStackDependencies {
  cloudFormation: CloudFormationClient;
  artefacts: ArtefactStore;
  lock: Pick<LockStore, 'read'>;
  /** Whether an image can still be pulled. */
  askRegistry: AskRegistry;
  now(): Date;
}
