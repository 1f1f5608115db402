import type { Victim, When } from './killer.ts';
import type { ChaosState } from './states.ts';

interface Off {
  /** `machine state`. */
  states: RegExp;
  /** Of these kills alone; of all where nothing is said. */
  when?: When[];
  reason: string;
}

/** States that no walk comes to, and why. What is not on this list has to be hit. */
const OFF_THE_WAY: Off[] = [];

/** Why a state is not hit; undefined for one that has to be. */
export function reasonOff({ machine, name }: ChaosState, _victim: Victim, when: When): string | undefined {
  return OFF_THE_WAY.find((off) => off.states.test(`${machine} ${name}`) && (off.when?.includes(when) ?? true))?.reason;
}
