import type { State, StateMachine } from '../../statemachine/asl.ts';

/**
 * Where the emulator (MiniStack 1.5.33) does not do what AWS documents, and how the test gets over it. What is not listed
 * here has to come out alike.
 */
interface Difference {
  title: string;
  /** The page of the Step Functions developer guide that says what is right. */
  decides: string;
  /** Changes a definition before the emulator gets it. */
  definition?(machine: StateMachine): StateMachine;
  /** Changes the text of both outcomes, so that they can be compared. */
  outcome?(text: string): string;
}

const GUIDE = 'https://docs.aws.amazon.com/step-functions/latest/dg';
/** The inside of a JSON string. */
const INSIDE = String.raw`(?:[^"\\]|\\.)*`;

export const DIFFERENCES: Difference[] = [
  {
    title: 'the context has no Execution.RedriveCount; what was not redriven has been redriven 0 times',
    decides: `${GUIDE}/input-output-contextobject.html`,
    definition: (machine) =>
      JSON.parse(JSON.stringify(machine).replaceAll('$states.context.Execution.RedriveCount', '0')),
  },
  {
    title: 'a Succeed state hands its input on and leaves Output out of account; a Pass at the end does not',
    decides: `${GUIDE}/state-succeed.html`,
    definition: (machine) => ({
      ...machine,
      States: Object.fromEntries(
        Object.entries(machine.States).map(([name, state]) => [
          name,
          state.Type === 'Succeed' ? ({ ...state, Type: 'Pass', End: true } satisfies State) : state,
        ]),
      ),
    }),
  },
  {
    title: 'an expression that gives nothing is reported in other words; the guide promises the error name only',
    decides: `${GUIDE}/transforming-data.html`,
    outcome: (text) =>
      text
        .replace(
          new RegExp(
            `An error occurred while executing the state '[^']*' \\(entered at the event id #\\d+\\)\\. The JSONata expression '(${INSIDE}?)' specified for the field '[^']*' returned nothing \\(undefined\\)\\.`,
            'g',
          ),
          'Nothing came of $1',
        )
        .replace(new RegExp(`JSONata expression did not return a result: (${INSIDE})`, 'g'), 'Nothing came of $1'),
  },
];
