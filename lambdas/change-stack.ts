import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { Refused } from '../statemachine/errors.ts';
import { s3Artefacts } from './change-stack/artefacts.ts';
import { awaitUpdate, type UpdateResult } from './change-stack/await-update.ts';
import type {
  ChangeStackDependencies,
  ChangeStackEvent,
  FindOriginalEvent,
  ProtectStackEvent,
  RestStackEvent,
} from './change-stack/event.ts';
import { type Execution, execute } from './change-stack/execute.ts';
import { type FoundOriginal, findOriginal } from './change-stack/find-original.ts';
import { type Inspection, inspect } from './change-stack/inspect.ts';
import { type Proposal, propose } from './change-stack/propose.ts';
import { type Protection, protect } from './change-stack/protect.ts';
import { type AtRest, rest } from './change-stack/rest.ts';
import { withDeadline } from './deadline.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { assertOurs } from './execution-lock/lock-store.ts';
import { registryAsker } from './preflight/image-registry.ts';

export type ChangeStackResult = Proposal | Inspection | Execution | UpdateResult | AtRest | Protection | FoundOriginal;
type AnyEvent = ChangeStackEvent | RestStackEvent | ProtectStackEvent | FindOriginalEvent;

/** Whoever may do these has the lock. */
const CHANGING: AnyEvent['action'][] = ['propose', 'execute', 'rest', 'protect'];

/**
 * Makes the Lambda that changes the relay's stack by a guarded change set (runbook step 5d and Rollback), one
 * action a call: propose -> inspect -> execute -> await. The state machine polls by a Retry on NotYet.
 * `rest` stops an update of ours that is under way, `protect` sets the stack's policy,
 * `find-original` tells of what a cutover kept. Before everything that changes the stack it looks whether the calling execution still has the stack's lock.
 *
 * Throws NotYet (after the event's deadline: DeadlineExceeded), Refused, LockHeld, ChangeSetObsolete (begin again with propose)
 * and StackUpdateFailed. No result and no message holds a parameter value or a secret.
 */
export function createHandler(deps: ChangeStackDependencies): (event: AnyEvent) => Promise<ChangeStackResult> {
  return withDeadline(deps.now, async (event: AnyEvent) => {
    if (CHANGING.includes(event.action)) {
      assertOurs(await deps.lock.read(event.stackName), event.stackName, event.owner);
    }
    if (event.action === 'propose') return propose(deps, event);
    if (event.action === 'rest') return rest(deps, event);
    if (event.action === 'protect') return protect(deps, event);
    if (event.action === 'find-original') return findOriginal(deps, event);
    const { changeSet } = event;
    if (changeSet === undefined) {
      throw new Refused(
        `The action "${event.action}" came without a change set. Expected the ARN that "propose" returned. Correct the state machine.`,
      );
    }
    const actions = { inspect, execute, await: awaitUpdate };
    return actions[event.action](deps, event, changeSet);
  });
}

let deployed: ((event: AnyEvent) => Promise<ChangeStackResult>) | undefined;

/** The Lambda entry point; the bucket for the original template stands in ARTEFACT_BUCKET, the table with the locks in LOCK_TABLE. */
export async function handler(event: AnyEvent): Promise<ChangeStackResult> {
  deployed ??= createHandler({
    cloudFormation: new CloudFormationClient({}),
    artefacts: s3Artefacts(new S3Client({}), artefactBucket()),
    lock: deployedStore(process.env),
    askRegistry: registryAsker(),
    now: () => new Date(),
  });
  return deployed(event);
}

function artefactBucket(): string {
  const bucket = process.env.ARTEFACT_BUCKET;
  if (bucket) return bucket;
  throw new Refused(
    'The environment variable ARTEFACT_BUCKET is not set. Expected the name of the S3 bucket for original templates. Deploy the functions again with it.',
  );
}
