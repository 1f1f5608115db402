import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ChangePurpose } from '../../statemachine/change-set-states.ts';
import type { TemplateNames } from '../template-edits/names.ts';
import type { ArtefactStore } from './artefacts.ts';

/** One step of a stack change, as the state machine hands it over. */
export interface ChangeStackEvent {
  action: 'propose' | 'inspect' | 'execute' | 'await';
  /** Name of the execution: the original template is kept under it. */
  execution: string;
  purpose: ChangePurpose;
  stackName: string;
  names?: TemplateNames;
  /** Image reference; needed by the purpose `switch` alone. */
  newImage?: string;
  /** The value that the desired-count parameter gets, in tasks. */
  desiredCount: number;
  /** What tells a redrive or a repetition from the attempt before it; part of the change set's name. */
  attempt?: string;
  /** ARN, from `propose`. */
  changeSet?: string;
  /** From `inspect`; a change set without changes is not executed. */
  outcome?: 'ready' | 'empty';
}

export interface ChangeStackDependencies {
  cloudFormation: CloudFormationClient;
  artefacts: ArtefactStore;
}
