import { kindOf } from './fault-kinds.ts';
import type { Fault, Strike } from './faults.ts';

/** Says at each call what is to go wrong with it, and remembers what has. */
export interface Striker {
  /** Once: the faults are gone from now on. */
  stop(): void;
  readonly isStopped: boolean;
  /** What strikes this call: each fault with what it does. */
  strikesOf(machine: string, state: string): { fault: Fault; strike: Strike; struck(): void }[];
  /** Pairs that came to pass: `<machine>.<state> <kind>`. */
  readonly occurred: Set<string>;
  /** States that were entered. */
  readonly visited: Set<string>;
}

/** A state that is called more often goes round in circles. */
const CALLS_MAX = 20_000;

export function createStriker(faults: Fault[], told: (fault: Fault) => void): Striker {
  const calls = new Map<string, number>();
  const occurred = new Set<string>();
  const hasStruck = new Set<Fault>();
  let isStopped = false;
  return {
    occurred,
    visited: new Set(),
    get isStopped() {
      return isStopped;
    },
    stop() {
      isStopped = true;
    },
    strikesOf(machine, state) {
      const key = `${machine}.${state}`;
      const call = (calls.get(key) ?? 0) + 1;
      if (call > CALLS_MAX) throw new Error(`${key} was called ${CALLS_MAX} times.`);
      calls.set(key, call);
      if (isStopped) return [];
      return faults.flatMap((fault) => {
        if (fault.machine !== machine || fault.state !== state || call < fault.visit) return [];
        const strike = kindOf(fault.kind).strike(fault.amount);
        if (strike.waits ? hasStruck.has(fault) : call > fault.visit + (strike.failsAgain ?? 0)) return [];
        const struck = (): void => {
          hasStruck.add(fault);
          occurred.add(`${key} ${fault.kind}`);
          told(fault);
        };
        return { fault, strike, struck };
      });
    },
  };
}
