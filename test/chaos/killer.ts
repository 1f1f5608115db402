import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { withMigrator } from '../../rehearsal/fault-means.ts';
import type { Fault } from '../../rehearsal/faults.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { announceStatements } from '../support/statement-moments.ts';
import { dyingMigrator } from './dying-migrator.ts';
import { type ChaosState, chaosStates } from './states.ts';

export type When = 'before' | 'during' | 'after';
export type Victim = 'database' | 'migrator';

/** Kills one kind of process around the states of one machine at a time, each state once. */
export interface Killer {
  /** Stand at every task of every machine, so that a kill can wait for what it needs. */
  faults: Fault[];
  /** Hears of every event of every execution. */
  watch(event: HistoryEvent, machine: MachineName): void;
  /** From now on these states of this machine are hit, those that have been already left out. */
  aimAt(machine: MachineName, states: string[]): void;
  /** Those that were aimed at last and not hit yet. */
  missed(): string[];
  /** Kills nothing more until the next aim, and waits until everything is up again. */
  rest(): Promise<void>;
  /** Lets go of what it listens to. */
  end(): void;
  /** `machine state` of every kill, and of every state without a call that was passed while the victim was dead. */
  readonly killed: Set<string>;
  readonly passed: Set<string>;
}

/** A task that fails is called five times; what polls longer must find the database again some time. */
const CALLS_WITHOUT_DATABASE_MAX = 6;

/**
 * @param stage whose processes are killed, known only once the rehearsal has been set up
 * @param onKill hears of each kill when it is made
 */
export function createKiller(
  victim: Victim,
  when: When,
  stage: () => Stage,
  onKill: (state: ChaosState) => void,
): Killer {
  const all = chaosStates();
  const killed = new Set<string>();
  const passed = new Set<string>();
  let aim = { machine: undefined as MachineName | undefined, states: new Set<string>() };
  let isAiming = false;
  const isDue = ({ machine, name }: ChaosState): boolean =>
    isAiming && aim.machine === machine && aim.states.has(name) && !killed.has(`${machine} ${name}`);
  const database = createDatabaseSwitch(() => stage().target);
  const hit = (state: ChaosState): void => {
    killed.add(`${state.machine} ${state.name}`);
    onKill(state);
    stage().options.observer.step(`Killed: the ${victim}, ${when} ${state.machine} ${state.name}`);
  };

  const means: Means =
    victim === 'migrator'
      ? migratorMeans(when, stage, hit)
      : { before: beforeState, during: duringState, after: afterState }[when](database, stage, hit);

  const known = new Map(all.map((state) => [`${state.machine} ${state.name}`, state]));
  return {
    killed,
    passed,
    faults: all
      .filter(({ isTask }) => isTask)
      .map((state) => {
        const { machine, name } = state;
        const fault = {
          ...({ machine, state: name, outcome: 'CutoverComplete', embeddedOnly: true } as const),
          name: `${machine} ${name}`,
          title: `something is killed ${when} it`,
        };
        const harm = () => means.called(state, isDue(state));
        return { ...fault, when: 'instead', harm, repair: () => database.up() } satisfies Fault;
      }),
    watch(event, machine) {
      means.heard?.(event);
      const { stateEnteredEventDetails: entered, stateExitedEventDetails: exited } = event;
      const state = known.get(`${machine} ${entered?.name ?? exited?.name}`);
      if (!state || !isAiming || aim.machine !== machine) return;
      if (entered && !state.isTask && database.isDown) passed.add(`${machine} ${state.name}`);
      if (exited && isDue(state)) means.left?.(state);
    },
    aimAt(machine, states) {
      aim = { machine, states: new Set(states) };
      isAiming = true;
    },
    missed: () => [...aim.states].filter((name) => !killed.has(`${aim.machine} ${name}`)),
    end: () => means.end?.(),
    async rest() {
      isAiming = false;
      await database.up();
    },
  };
}

/** How one kind of kill is done. */
interface Means {
  /** A task is about to be called, not for the first time perhaps. */
  called(state: ChaosState, isDue: boolean): Promise<void> | void;
  heard?(event: HistoryEvent): void;
  /** A state has been left that is to be hit. */
  left?(state: ChaosState): void;
  end?(): void;
}

type Hit = (state: ChaosState) => void;

interface DatabaseSwitch {
  readonly isDown: boolean;
  crash(): void;
  /** Starts it, if it is down, and waits until it has recovered. */
  up(): Promise<void>;
}

function createDatabaseSwitch(target: () => Stage['target']): DatabaseSwitch {
  let isDown = false;
  let starting: Promise<void> | undefined;
  return {
    get isDown() {
      return isDown;
    },
    crash() {
      isDown = true;
      target().crash?.();
    },
    up() {
      if (!isDown) return Promise.resolve();
      starting ??= (target().recover as () => Promise<void>)().then(() => {
        isDown = false;
        starting = undefined;
      });
      return starting;
    },
  };
}

/** It is dead when the state begins, and stays dead until the state has given up, or never asked for it. */
function beforeState(database: DatabaseSwitch, _stage: () => Stage, hit: Hit): Means {
  let dead: string | undefined;
  let calls = 0;
  return {
    async called(state, isDue) {
      const name = `${state.machine} ${state.name}`;
      if (dead === name && ++calls < CALLS_WITHOUT_DATABASE_MAX) return;
      await database.up();
      dead = undefined;
      if (!isDue) return;
      [dead, calls] = [name, 0];
      database.crash();
      hit(state);
    },
  };
}

/** It dies with a statement of the function, or a moment of the migrator, under way, and comes back at once, as RDS does. */
function duringState(database: DatabaseSwitch, stage: () => Stage, hit: Hit): Means {
  let armed: ChaosState | undefined;
  const fire = (): void => {
    if (!armed) return;
    const state = armed;
    armed = undefined;
    database.crash();
    hit(state);
    void database.up();
  };
  const end = announceStatements((moment, client) => {
    // Other rehearsals of this process have databases of their own.
    if (
      armed?.asksDatabase &&
      client?.port === stage().target.address.port &&
      moment.startsWith('sent: ') &&
      !moment.includes('ALTER ROLE')
    )
      fire();
  });
  const listen = (_container: string, line: string): void => {
    if (armed?.runsMigrator && /"name":"(compared|table filled|file archived): /.test(line)) fire();
  };
  return {
    async called(state, isDue) {
      // It may still be recovering when the call is repeated; a new kill waits for it.
      if (!isDue) return;
      await database.up();
      armed = state;
      stage().world.logListeners.add(listen);
      // Such a call may be over before anything else has its turn.
      if (!state.asksDatabase && !state.runsMigrator) fire();
    },
    end,
  };
}

/** It dies with the state's answer, and is dead when the next one asks for the first time. */
function afterState(database: DatabaseSwitch, _stage: () => Stage, hit: Hit): Means {
  let last: ChaosState | undefined;
  // A state is also left by its Catch, without an answer that could be the last thing before the kill.
  const answered = new Set<ChaosState>();
  return {
    async called(state, isDue) {
      // Whoever asks it finds it dead once. Who does not would leave with it dead, and could not be hit.
      const asks = state.asksDatabase || state.runsMigrator;
      if (last === state || (isDue && !asks)) await database.up();
      last = state;
    },
    heard({ taskSucceededEventDetails }) {
      if (taskSucceededEventDetails && last) answered.add(last);
    },
    left(state) {
      if (!answered.delete(state) || database.isDown) return;
      database.crash();
      hit(state);
    },
  };
}

/** The first run that a state starts is one that kills itself; those after it are whole. */
function migratorMeans(when: When, stage: () => Stage, hit: Hit): Means {
  let dying: ChaosState | undefined;
  return {
    called(state, isDue) {
      if (!state.runsMigrator) return;
      withMigrator(stage(), isDue ? dyingMigrator(when) : undefined);
      dying = isDue ? state : undefined;
    },
    heard({ taskFailedEventDetails }) {
      // One that came to its end before it had said what it was to die at was not killed.
      if (!dying || !/"ExitCode":137\b/.test(taskFailedEventDetails?.cause ?? '')) return;
      hit(dying);
      dying = undefined;
    },
  };
}
