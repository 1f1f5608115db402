import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ApprovalStore } from '../lambdas/approval/approval-item.ts';
import { createHandler as assertQuiet } from '../lambdas/assert-quiet.ts';
import { createHandler as authority } from '../lambdas/authority.ts';
import { createHandler as changeStack } from '../lambdas/change-stack.ts';
import { createHandler as databaseSnapshot } from '../lambdas/database-snapshot.ts';
import { createHandler as deleteFileSystem } from '../lambdas/delete-file-system.ts';
import { createHandler as deregisterTasks } from '../lambdas/deregister-tasks.ts';
import type { DescribeExecution } from '../lambdas/execution-lock/executions.ts';
import type { LockStore } from '../lambdas/execution-lock/lock-store.ts';
import { createHandler as executionLock } from '../lambdas/execution-lock.ts';
import type { FileSystems } from '../lambdas/file-systems.ts';
import { createHandler as healthCheck } from '../lambdas/health-check.ts';
import type { RelayEndpoint } from '../lambdas/nostr-client.ts';
import type { Publish } from '../lambdas/notifications.ts';
import type { NetworkAndStorage } from '../lambdas/preflight/network-and-storage.ts';
import type { Surroundings } from '../lambdas/preflight/surroundings.ts';
import { createHandler as preflight } from '../lambdas/preflight.ts';
import { createHandler as preflightFinalize } from '../lambdas/preflight-finalize.ts';
import { createHandler as preflightPrepare } from '../lambdas/preflight-prepare.ts';
import { createHandler as preflightRollback } from '../lambdas/preflight-rollback.ts';
import { createHandler as readManifest } from '../lambdas/read-manifest.ts';
import { createHandler as requestApproval } from '../lambdas/request-approval.ts';
import { createHandler as scaleService } from '../lambdas/scale-service.ts';
import type { Snapshots } from '../lambdas/snapshots.ts';
import type { ConnectTarget } from '../lambdas/target-database.ts';
import { createHandler as verifyCounts } from '../lambdas/verify-counts.ts';
import type { FunctionName } from '../statemachine/functions.ts';
import type { Handler } from './aws-integration.ts';
import type { Clock } from './clock.ts';
import { ACCOUNT_ID, ARTEFACT_BUCKET } from './names.ts';

/** The bucket of the stack that the functions are in, and the role of the task that archives. */
const ARCHIVE = {
  bucket: ARTEFACT_BUCKET,
  taskRole: `arn:aws:iam::${ACCOUNT_ID}:role/relay-cutover-archive`,
};

/** What stands behind the functions, in place of AWS. */
export interface HandlerWorld {
  ecs: Pick<ECSClient, 'send'>;
  cloudFormation: CloudFormationClient;
  endpoint(): RelayEndpoint;
  surroundings: Surroundings;
  networkAndStorage: NetworkAndStorage;
  fileSystems: FileSystems;
  snapshots: Snapshots;
  connect: ConnectTarget;
  artefacts: Pick<Map<string, string>, 'get' | 'has' | 'set'>;
  lock: LockStore;
  approvals: ApprovalStore;
  publish: Publish;
  describeExecution: DescribeExecution;
  clock: Pick<Clock, 'now' | 'sleep'>;
}

/** Every function that a state machine calls, by its name. */
export function createHandlers({
  ecs,
  cloudFormation,
  endpoint,
  surroundings,
  networkAndStorage,
  fileSystems,
  snapshots,
  connect,
  artefacts,
  lock,
  approvals,
  publish,
  describeExecution,
  clock,
}: HandlerWorld): Record<FunctionName, Handler> {
  const changing = changeStack({
    cloudFormation,
    artefacts: {
      get: async (key) => artefacts.get(key),
      put: async (key, text) => void (artefacts.has(key) || artefacts.set(key, text)),
    },
    lock,
    askRegistry: surroundings.askRegistry,
    now: clock.now,
  });
  return {
    preflight: preflight({ ecs, cloudFormation, endpoint, surroundings }),
    'preflight-prepare': preflightPrepare({ ecs, cloudFormation, endpoint, surroundings, networkAndStorage }),
    'preflight-rollback': preflightRollback({ ecs, cloudFormation, endpoint, surroundings }),
    'preflight-finalize': preflightFinalize({
      ...{ ecs, cloudFormation, endpoint, surroundings, fileSystems },
      archive: () => ARCHIVE,
    }),
    'execution-lock': executionLock({ store: lock, describeExecution, now: clock.now, pause: clock.sleep }),
    'request-approval': requestApproval({ approvals, publish, now: clock.now }),
    'change-stack': changing,
    'prepare-stack': changing,
    'finalize-stack': changing,
    'database-snapshot': databaseSnapshot({ snapshots, now: clock.now }),
    'delete-file-system': deleteFileSystem({ fileSystems, lock }),
    'deregister-tasks': deregisterTasks({ ecs }),
    'scale-service': scaleService({ ecs, lock }),
    'assert-quiet': assertQuiet({ ecs, cloudFormation, lock, now: clock.now }),
    'health-check': healthCheck({ ecs, endpoint, now: clock.now }),
    authority: authority({ connect }),
    'read-manifest': readManifest({ connect }),
    'verify-counts': verifyCounts({ connect }),
  };
}
