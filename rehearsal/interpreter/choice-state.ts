import type { ChoiceState } from '../../statemachine/asl.ts';
import { BOOLEAN } from './evaluate.ts';
import { StateFailure } from './failure.ts';
import { evaluateAs, leave, type Outcome, type Visit } from './visit.ts';

/**
 * Takes the first rule whose Condition is true, with the Assign and Output of that rule; else the Default, with those of the
 * state.
 *
 * @throws StateFailure `States.NoChoiceMatched`
 */
export async function runChoice(state: ChoiceState, visit: Visit): Promise<Outcome> {
  const { input } = visit.position;
  for (const [index, rule] of state.Choices.entries()) {
    const place = `Choices[${index}]/`;
    if (await evaluateAs(visit, rule.Condition, `${place}Condition`, BOOLEAN)) {
      return { ...(await leave(visit, rule, place, {}, input)), next: rule.Next };
    }
  }
  // The type demands a Default, but a definition may have come from elsewhere.
  const next: string | undefined = state.Default;
  if (next === undefined) {
    throw new StateFailure('States.NoChoiceMatched', `No choice of the state '${visit.name}' matched.`);
  }
  return { ...(await leave(visit, state, '', {}, input)), next };
}
