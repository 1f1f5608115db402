import { type ApprovalItem, type ApprovalStore, approvalKey, isWaiting } from './approval/approval-item.ts';
import { howToAnswer } from './approval/approval-message.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import type { LockItem, LockStore } from './execution-lock/lock-store.ts';
import { type Publish, publisherOf } from './notifications.ts';

export interface RemindDependencies {
  stackName: string;
  locks: Pick<LockStore, 'read'>;
  approvals: Pick<ApprovalStore, 'read'>;
  publish: Publish;
  /** Writes a line as it is: CloudWatch makes metrics of it. */
  log(line: string): void;
  now(): Date;
}

/** Of the metrics; the alarms in infra/alarms.ts look for the same. */
const METRIC_NAMESPACE = 'RelayCutover';

/**
 * Makes the handler that a schedule calls every few minutes: while an execution is held for an operator, or waits for an
 * approval, it says so once, and says nothing otherwise. Either way it writes down both as metrics (CloudWatch user guide,
 * "Embedded metric format"), for which it takes no rights.
 */
export function createHandler(dependencies: RemindDependencies): () => Promise<void> {
  const { stackName, locks, approvals, publish, log, now } = dependencies;
  return async () => {
    const item = await locks.read(stackName);
    const owned = item !== undefined && !item.released ? item : undefined;
    const approval = owned && (await approvals.read(approvalKey(owned.owner)));
    const isHeld = owned?.held != null;
    const waits = !isHeld && isWaiting(approval, now());
    log(metrics(stackName, now(), { Held: isHeld ? 1 : 0, ApprovalWaiting: waits ? 1 : 0 }));
    if (isHeld) await publish(`Held: cutover of ${stackName}`, heldMessage(owned, now()));
    if (waits) await publish(`Approval wanted: cutover of ${stackName}`, waitingMessage(approval, stackName, now()));
  };
}

function heldMessage({ stackName, owner, held, plan }: LockItem, now: Date): string {
  const { state, error, cause, at } = held as NonNullable<LockItem['held']>;
  const minutes = minutesBetween(at, now);
  const isUnchanged = plan === null;
  return [
    isUnchanged
      ? `An execution on ${stackName} is held for an operator since ${at} (${minutes} min). The relay runs as before.`
      : `An execution on ${stackName} is held for an operator since ${at} (${minutes} min). Unless somebody has started it by hand, the relay is stopped: nobody has been able to write for ${minutes} min at least.`,
    '',
    `Execution: ${owner}`,
    `Failed: ${state} with ${error}: ${cause}`,
    '',
    'What to do, once the cause is removed:',
    `  aws stepfunctions redrive-execution --execution-arn ${owner}`,
    isUnchanged
      ? 'or, to give it up, start restore with {"takeOver": true}: it gives the lock back.'
      : 'or, to give it up, start restore with {"takeOver": true}: it brings the old relay back, with every row.',
    'docs/recovery.md says for every state what its failure leaves behind. This message is repeated while the execution is held.',
  ].join('\n');
}

function waitingMessage({ execution, requestedAt, expiresAt }: ApprovalItem, stackName: string, now: Date): string {
  return [
    `A cutover of ${stackName} waits for approval since ${requestedAt} (${minutesBetween(requestedAt, now)} min). The relay runs as before; the first message has the plan.`,
    '',
    ...howToAnswer(execution, expiresAt),
  ].join('\n');
}

function minutesBetween(from: string, until: Date): number {
  return Math.floor((until.getTime() - Date.parse(from)) / 60_000);
}

function metrics(stackName: string, at: Date, values: Record<'Held' | 'ApprovalWaiting', 0 | 1>): string {
  const CloudWatchMetrics = [
    {
      Namespace: METRIC_NAMESPACE,
      Dimensions: [['Stack']],
      Metrics: Object.keys(values).map((Name) => ({ Name, Unit: 'Count' })),
    },
  ];
  return JSON.stringify({ _aws: { Timestamp: at.getTime(), CloudWatchMetrics }, Stack: stackName, ...values });
}

let deployed: (() => Promise<void>) | undefined;

/** The Lambda entry point; the stack stands in STACK_NAME, the table in LOCK_TABLE, the topic in TOPIC_ARN. */
export async function handler(): Promise<void> {
  deployed ??= createHandler({
    stackName: process.env.STACK_NAME ?? '',
    locks: deployedStore(process.env),
    approvals: deployedStore<ApprovalItem>(process.env),
    publish: publisherOf(process.env),
    // Not by console.log, before whose words Lambda puts a time and an id: the line has to be JSON as a whole.
    log: (line) => void process.stdout.write(`${line}\n`),
    now: () => new Date(),
  });
  return deployed();
}
