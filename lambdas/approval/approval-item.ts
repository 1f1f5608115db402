import type { ItemStore } from '../execution-lock/lock-store.ts';

export interface Answer {
  answer: 'approve' | 'reject';
  /** Who says so, in his own words; CloudTrail knows whose credentials they were. */
  by: string;
  reason: string | null;
  /** ISO time. */
  at: string;
  /** Whether the execution has it: not known yet, yes, or it came when the execution did not wait any more. */
  delivered: 'unknown' | 'yes' | 'late';
}

/** The question of one execution. It stands in the table of the locks, since whoever reminds of one reads both. */
export interface ApprovalItem {
  /** The table's key; here it is not the name of a stack, see approvalKey. */
  stackName: string;
  version: number;
  execution: string;
  /** With it anybody who may send it can answer: it leaves this table for Step Functions only. */
  token: string;
  /** ISO times. */
  requestedAt: string;
  expiresAt: string;
  /** Seconds since 1970; DynamoDB deletes the item after that. */
  timeToLive: number;
  answer: Answer | null;
}

export type ApprovalStore = ItemStore<ApprovalItem>;

/** No stack's name has a `#`. The policies of the functions know these keys by their beginning. */
export const APPROVAL_KEY_PREFIX = 'approval#';

export function approvalKey(execution: string): string {
  return `${APPROVAL_KEY_PREFIX}${execution}`;
}

/** True while a person may still answer. */
export function isWaiting(item: ApprovalItem | undefined, now: Date): item is ApprovalItem {
  return item !== undefined && item.answer === null && now.getTime() < Date.parse(item.expiresAt);
}
