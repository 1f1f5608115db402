import type { When } from './killer.ts';
import type { ChaosState } from './states.ts';

interface Off {
  /** `machine state`. */
  states: RegExp;
  /** For these kills alone; for all where nothing is said. */
  when?: When[];
  reason: string;
}

/** States that a walk need not come to, and why. What is not on this list has to be hit. */
const OFF_THE_WAY: Off[] = [
  {
    states: / (AskApproval|PlanChanged)$/,
    reason: 'nobody is asked for an approval (test/rehearsal/approval.test.ts)',
  },
  {
    states: / (AnotherExecution|Superseded|NotOurTruth|NothingToDo|IsThereAnythingToDo)$/,
    reason: 'a second execution leads there (the fault "second-start", test/rehearsal/redriven-late.test.ts)',
  },
  {
    states: / (AwaitAuthority|HoldOnTarget|HoldGivenUp)$/,
    reason: 'the database has to be silent for longer than any kill leaves it dead',
  },
  {
    states: / (Hold\w*|ReclaimAfterHold|Reassess|RestStackAfterHold)$/,
    when: ['during', 'after'],
    reason: 'a database that comes back at once lets nothing halt; it is hit where it stays dead',
  },
  { states: / RestStackAfterHold$/, reason: 'it takes a halt after the change set of the switch was proposed' },
  {
    states: / (Not\w+|\w+Differs|VerificationFailed|TimeIsOver|OldRelayServed)$/,
    reason: 'it names a failure of its own, and calls nothing (test/rehearsal/faults.test.ts)',
  },
  {
    states: / (Is\w+|\w*Verdict|OnFailure|WhereToGoOn|ReverseGivenUp|Who\w+|\w+Failed|Verify\w+|QuietGap)$/,
    reason: 'it calls nothing, and where the database is back by then it is passed between two kills',
  },
];

/** Why a state need not be hit; undefined for one that has to be. The last entries are of states that call nothing. */
export function reasonOff({ machine, name, isTask }: ChaosState, when: When): string | undefined {
  const isOff = (off: Off): boolean => off.states.test(`${machine} ${name}`) && (off.when?.includes(when) ?? true);
  const list = isTask ? OFF_THE_WAY.filter(({ reason }) => !reason.includes('calls nothing')) : OFF_THE_WAY;
  return list.find(isOff)?.reason;
}
