import { faultNamed } from '../../rehearsal/faults.ts';
import { rehearse } from '../../rehearsal/rehearse.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import type { Wishes } from './killed-rehearsal.ts';

// A rehearsal that ends itself as if by kill -9 when a state is begun, under way or left. Argument: its wishes as JSON. One
// that comes to its end prints which states it has gone through, its outcome and its sentence, as JSON.
const { sourceDirectory, databaseUrl, faults, publishPerSecond, afterwards, death }: Wishes = JSON.parse(
  process.argv[2] ?? '{}',
);
const states: string[] = [];
let current: string | undefined;
/** Long enough for a call to have begun what it does, short enough for none to have ended it. */
const UNDER_WAY_MILLISECONDS = 2;

const die = (): void => {
  // A group of its own is ended whole, as a container of a CI system is.
  process.kill(death?.group ? -process.pid : process.pid, 'SIGKILL');
};

const settings = parseSettings({ verifierRole: process.env.VERIFIER_ROLE, writeStopSecondsMax: 3_600 });
const record = await rehearse({
  settings,
  sourceDirectory,
  ...(databaseUrl !== undefined && { databaseUrl }),
  parameters: {},
  faults: faults.map(faultNamed),
  publishPerSecond,
  onFailure: 'rollback',
  afterwards,
  relayCommands: {},
  speed: 1_000,
  signal: new AbortController().signal,
  observer: {
    step() {},
    log(container, line) {
      if (container !== settings.names.migrationContainer || !death?.atMoment || current !== death.state) return;
      if (/"name":"(compared|table filled|file archived): /.test(line)) die();
    },
    event(event, machine) {
      const entered = event.stateEnteredEventDetails?.name;
      if (entered !== undefined) states.push(`${machine} ${entered}`);
      if (entered !== undefined) current = entered;
      if (machine !== death?.machine) return;
      const isThere =
        (death.when === 'before' && entered === death.state) ||
        (death.when === 'after' && event.stateExitedEventDetails?.name === death.state) ||
        // A Fail state is not left: the execution ends in it.
        (death.when === 'after' && event.type === 'ExecutionFailed' && current === death.state);
      if (isThere) die();
      const isCalled = event.type === 'TaskStarted' && current === death.state;
      if (death.when === 'during' && isCalled && !death.atMoment) setTimeout(die, UNDER_WAY_MILLISECONDS);
    },
  },
});
process.stdout.write(
  JSON.stringify({ states: [...new Set(states)], outcome: record.outcome, sentence: record.sentence }),
);
