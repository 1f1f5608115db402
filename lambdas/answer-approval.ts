import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Refused } from '../statemachine/errors.ts';
import { type AnswerEvent, parseAnswer } from './approval/answer-event.ts';
import { type Answer, type ApprovalItem, type ApprovalStore, approvalKey } from './approval/approval-item.ts';
import * as say from './approval/sentences.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { changeItem, type Decide } from './execution-lock/lock-store.ts';

/** Ends the task that waits; rejects with `TaskTimedOut`, `TaskDoesNotExist` or `InvalidToken` when none does. */
export interface WaitingTasks {
  succeed(token: string, output: { by: string; at: string }): Promise<void>;
  fail(token: string, error: string, cause: string): Promise<void>;
}

export interface AnswerApprovalDependencies {
  approvals: ApprovalStore;
  tasks: WaitingTasks;
  now(): Date;
}

export interface AnswerApprovalResult {
  /** What has become of the answer; never the token. */
  sentence: string;
}

const WAITS_NO_MORE = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

/**
 * Makes the handler by which a person approves or rejects a cutover that waits (`approve: true`). The answer is recorded by
 * compare-and-set first and sent then: of two people who answer at the same moment one is told of the other. An answer whose
 * sending was lost may be repeated by whoever gave it.
 *
 * @throws Refused with one sentence: no such question, answered otherwise already, or too late
 */
export function createHandler({
  approvals,
  tasks,
  now,
}: AnswerApprovalDependencies): (event: unknown) => Promise<AnswerApprovalResult> {
  const send = async ({ token, execution }: ApprovalItem, { answer, by, at, reason }: Answer): Promise<boolean> => {
    try {
      if (answer === 'approve') await tasks.succeed(token, { by, at });
      else await tasks.fail(token, 'ApprovalRejected', say.rejection(by, at, reason));
      return true;
    } catch (error) {
      if (error instanceof Error && WAITS_NO_MORE.includes(error.name)) return false;
      throw new Error(say.notSent(execution, (error as Error).message), { cause: error });
    }
  };
  return async (raw) => {
    const event = parseAnswer(raw);
    const { execution } = event;
    const change = <Result>(decide: Decide<Result, ApprovalItem>): Promise<Result> =>
      changeItem(
        approvals,
        { stackName: approvalKey(execution), title: `question of the execution ${execution}` },
        decide,
      );
    const { item, given, isRepeated } = await change(record(event, now()));
    if (given.delivered === 'yes' || given.by !== event.by) return { sentence: say.already(execution, given) };
    const isDelivered = await send(item, given);
    // A repetition that finds nobody waiting may have been delivered the first time.
    if (!isDelivered && isRepeated) return { sentence: say.alreadyAndOver(execution, given) };
    await change((found) => ({
      next:
        found?.token === item.token && found.answer !== null
          ? { ...found, answer: { ...found.answer, delivered: isDelivered ? 'yes' : 'late' } }
          : undefined,
      result: undefined,
    }));
    if (!isDelivered) throw new Refused(say.waitsNoMore(execution));
    return { sentence: say.done(execution, given) };
  };
}

/** Records the answer, or finds the one that was given already. Throws Refused where there is nothing to answer any more. */
function record(
  { execution, answer, by, reason }: AnswerEvent,
  now: Date,
): Decide<{ item: ApprovalItem; given: Answer; isRepeated: boolean }, ApprovalItem> {
  return (item) => {
    if (item === undefined) throw new Refused(say.neverAsked(execution));
    if (item.answer?.delivered === 'late') throw new Refused(say.waitsNoMore(execution));
    if (item.answer !== null) {
      if (item.answer.answer !== answer) throw new Refused(say.otherwise(execution, item.answer));
      return { next: undefined, result: { item, given: item.answer, isRepeated: true } };
    }
    if (now.getTime() >= Date.parse(item.expiresAt)) throw new Refused(say.late(execution, item.expiresAt, now));
    const given: Answer = { answer, by, reason: reason ?? null, at: now.toISOString(), delivered: 'unknown' };
    return { next: { ...item, answer: given }, result: { item, given, isRepeated: false } };
  };
}

/** By the API of Step Functions. */
export function waitingTasksOf(client: Pick<SFNClient, 'send'>): WaitingTasks {
  return {
    async succeed(taskToken, output) {
      await client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
    },
    async fail(taskToken, error, cause) {
      await client.send(new SendTaskFailureCommand({ taskToken, error, cause }));
    },
  };
}

let deployed: ((event: unknown) => Promise<AnswerApprovalResult>) | undefined;

/** The Lambda entry point, called by a person's command; the table stands in LOCK_TABLE. */
export async function handler(event: unknown): Promise<AnswerApprovalResult> {
  deployed ??= createHandler({
    approvals: deployedStore<ApprovalItem>(process.env),
    tasks: waitingTasksOf(new SFNClient({})),
    now: () => new Date(),
  });
  return deployed(event);
}
