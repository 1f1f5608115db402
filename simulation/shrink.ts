import type { Scenario } from './scenario.ts';
import { type Outcome, runAndJudge, withoutFaults } from './seed.ts';

/** The fewest faults with which a run still breaks the property. */
export interface Shrunk {
  /** Places in the list of faults, counted from 1, that may be left out. */
  without: number[];
  outcome: Outcome;
}

/** Leaves out one fault after the other, as long as the same property is still broken. */
export async function shrink(scenario: Scenario, property: string): Promise<Shrunk | undefined> {
  const breaks = async (without: number[]): Promise<Outcome | undefined> => {
    const outcome = await runAndJudge(withoutFaults(scenario, without));
    return outcome.violations.some((violation) => violation.property === property) ? outcome : undefined;
  };
  let without: number[] = [];
  let outcome = await breaks(without);
  if (!outcome) return undefined;
  for (let again = true; again; ) {
    again = false;
    for (let place = 1; place <= scenario.faults.length; place += 1) {
      if (without.includes(place)) continue;
      const fewer = await breaks([...without, place]);
      if (!fewer) continue;
      without = [...without, place].sort((one, other) => one - other);
      outcome = fewer;
      again = true;
    }
  }
  return { without, outcome };
}
