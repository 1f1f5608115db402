import { createHash, randomUUID } from 'node:crypto';
import type { Expression, Focus } from 'jsonata';

/** What the functions with a changing answer draw from. */
export interface Sources {
  now: Date;
  /** A number from 0 to below 1. */
  random: () => number;
}

const HASH_ALGORITHMS = ['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
const RANGE_LENGTH_MAX = 1000;

/**
 * Registers what Step Functions adds to JSONata, lets the time functions follow our clock, and takes `$eval` away.
 * Source: Step Functions developer guide, "JSONata functions provided by Step Functions".
 *
 * @param sources are looked at when a function is called: they may change from one evaluation to the next
 */
export function registerFunctions(expression: Expression, sources: Sources): void {
  expression.registerFunction('partition', partition, '<an:a<a>>');
  expression.registerFunction('range', range, '<nnn:a<n>>');
  expression.registerFunction('hash', hash, '<ss:s>');
  expression.registerFunction(
    'random',
    (seed?: number) => (seed === undefined ? sources.random() : seeded(seed)),
    '<n?:n>',
  );
  expression.registerFunction('uuid', () => randomUUID(), '<:s>');
  expression.registerFunction('parse', parse, '<s:x>');
  expression.registerFunction('millis', () => sources.now.getTime(), '<:n>');
  expression.registerFunction('now', nowAt(sources), '<s?s?:s>');
  expression.assign('eval', undefined);
}

function partition(items: unknown[] | undefined, size: number): unknown[] | undefined {
  if (items === undefined) return undefined;
  if (!Number.isInteger(size) || size < 1) throw new Error(`$partition: the size is ${size}; it must be 1 or more.`);
  const length = Math.ceil(items.length / size);
  return Array.from({ length }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** The end belongs to the range. */
function range(first: number, last: number, step: number): number[] {
  if (step === 0) throw new Error('$range: the step is 0; it must be above or below 0.');
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  if (length > RANGE_LENGTH_MAX) {
    throw new Error(`$range: ${length} numbers were asked for; ${RANGE_LENGTH_MAX} is the limit.`);
  }
  return Array.from({ length }, (_, index) => first + index * step);
}

function hash(text: string | undefined, algorithm: string): string | undefined {
  if (text === undefined) return undefined;
  if (!HASH_ALGORITHMS.includes(algorithm)) {
    throw new Error(`$hash: the algorithm is ${algorithm}; it must be one of ${HASH_ALGORITHMS.join(', ')}.`);
  }
  return createHash(algorithm.replace('SHA-', 'sha')).update(text).digest('hex');
}

/** The same number for the same seed; which one is AWS's own affair. */
function seeded(seed: number): number {
  return createHash('sha256').update(String(seed)).digest().readUInt32BE() / 2 ** 32;
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

function nowAt(sources: Sources) {
  return function (this: Focus, picture?: string, timezone?: string): string {
    return this.environment.lookup('fromMillis').implementation.call(this, sources.now.getTime(), picture, timezone);
  };
}
