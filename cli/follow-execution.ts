import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution, type ExecutionStanding, readHistory } from '../report/execution-audit.ts';

export interface Following {
  client: Pick<SFNClient, 'send'>;
  arn: string;
  stackName: string;
  /** Seconds between two looks. */
  intervalSeconds: number;
  /** Ends the following; the execution goes on. */
  signal: AbortSignal;
  /** Is called after each look, also where there is nothing new. */
  onLook(news: HistoryEvent[]): Promise<void>;
  /** Is told of a look that failed and will be repeated. */
  onTrouble(error: Error): void;
}

const ENDINGS = ['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut'];

/** A redrive has come after the last event that was seen. */
const UNDER_WAY: ExecutionStanding['status'][] = ['RUNNING', 'PENDING_REDRIVE'];

/** A network that is away for longer than this ends the following, and nothing else. */
const TROUBLES_MAX = 30;

/**
 * Follows an execution by its history until it has ended.
 *
 * @throws what the client throws when it does not get better, the signal's reason when it is aborted
 */
export async function followExecution(following: Following): Promise<ExecutionStanding> {
  const { client, arn, stackName, intervalSeconds, signal, onLook, onTrouble } = following;
  let lastId = 0;
  let last: HistoryEvent | undefined;
  for (let troubles = 0; ; ) {
    signal.throwIfAborted();
    try {
      const news = await readHistory(client, arn, lastId);
      troubles = 0;
      await onLook(news);
      last = news.at(-1) ?? last;
      lastId = last?.id ?? 0;
      // The description alone may be ahead of the history, and behind a redrive.
      if (ENDINGS.includes(last?.type ?? '')) {
        const standing = await describeExecution(client, arn, stackName);
        if (!UNDER_WAY.includes(standing.status)) return standing;
      }
    } catch (error) {
      signal.throwIfAborted();
      troubles++;
      if (!isPassing(error as Error) || troubles > TROUBLES_MAX) throw error;
      onTrouble(error as Error);
    }
    await sleep(intervalSeconds * 1000, undefined, { signal }).catch(() => {});
  }
}

/** What may be otherwise in a moment: the network, and AWS asking to go slower. Missing rights are not. */
function isPassing(error: Error & { code?: string; $metadata?: { httpStatusCode?: number } }): boolean {
  if (error.code !== undefined || /Throttl|TooManyRequests|Timeout/.test(error.name)) return true;
  return (error.$metadata?.httpStatusCode ?? 0) >= 500;
}
