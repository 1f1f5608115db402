import type { JsonObject } from '../../statemachine/asl.ts';

/** An API answer: plain data, with dates as Date. */
export type ApiOutput = Record<string, unknown>;
export type ApiAction = (input: JsonObject) => Promise<ApiOutput>;

/** One page of an answer; the token is the place of the next item. */
export function page<T>(all: T[], nextToken: unknown, size: number): { items: T[]; token: { NextToken?: string } } {
  const start = nextToken === undefined ? 0 : Number(nextToken);
  const end = start + size;
  return { items: all.slice(start, end), token: end < all.length ? { NextToken: String(end) } : {} };
}
