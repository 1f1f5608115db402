import { type ApprovalItem, type ApprovalStore, approvalKey } from './approval/approval-item.ts';
import { approvalMessage, type PlanForPeople } from './approval/approval-message.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { changeItem } from './execution-lock/lock-store.ts';
import { type Publish, publisherOf } from './notifications.ts';

export interface RequestApprovalEvent {
  /** The task token of the state that waits. */
  token: string;
  /** ARN of the calling execution. */
  execution: string;
  /** How long that state waits. */
  timeoutSeconds: number;
  stackName: string;
  plan: PlanForPeople;
}

export interface RequestApprovalDependencies {
  approvals: ApprovalStore;
  publish: Publish;
  now(): Date;
}

/** For how long it can still be told who answered what: as long as Step Functions keeps an execution's history. */
const KEPT_DAYS = 90;

/**
 * Makes the handler that keeps the token of an execution that waits for approval, and tells people what it is about to do.
 * The message goes out after the token is kept, so that it can be answered at once.
 *
 * Asked again, by a retry or after a redrive, the new question takes the place of the old one, answered or not: the task of
 * the old token has ended, and an answer to what was shown then is none to what is shown now.
 *
 * @returns until when it waits; never the token
 */
export function createHandler({
  approvals,
  publish,
  now,
}: RequestApprovalDependencies): (event: RequestApprovalEvent) => Promise<{ expiresAt: string }> {
  return async ({ token, execution, timeoutSeconds, stackName, plan }) => {
    const requestedAt = now();
    const until = new Date(requestedAt.getTime() + timeoutSeconds * 1_000);
    const expiresAt = until.toISOString();
    const question: Omit<ApprovalItem, 'stackName' | 'version'> = {
      execution,
      token,
      requestedAt: requestedAt.toISOString(),
      expiresAt,
      timeToLive: Math.ceil(until.getTime() / 1_000) + KEPT_DAYS * 86_400,
      answer: null,
    };
    const title = `question of the execution ${execution}`;
    await changeItem(approvals, { stackName: approvalKey(execution), title }, (item) => ({
      // Invoked twice for the same task, a function must not forget an answer.
      next: item?.token === token ? undefined : question,
      result: undefined,
    }));
    await publish(
      `Approval wanted: cutover of ${stackName}`,
      approvalMessage({ stackName, execution, expiresAt, plan }),
    );
    return { expiresAt };
  };
}

let deployed: ((event: RequestApprovalEvent) => Promise<{ expiresAt: string }>) | undefined;

/** The Lambda entry point; the table stands in LOCK_TABLE, the topic in TOPIC_ARN. */
export async function handler(event: RequestApprovalEvent): Promise<{ expiresAt: string }> {
  deployed ??= createHandler({
    approvals: deployedStore<ApprovalItem>(process.env),
    publish: publisherOf(process.env),
    now: () => new Date(),
  });
  return deployed(event);
}
