import { join } from 'node:path';
import Database from 'better-sqlite3';
import { quoteIdentifier } from '../migrator/table-kinds.ts';
import type { State } from '../statemachine/asl.ts';
import { Refused } from '../statemachine/errors.ts';
import { NEVER_ENDS } from './cloudformation/failing-updates.ts';
import {
  failService,
  migrationTaskDefinition,
  oldTaskDefinition,
  relayService,
  until,
  withMigrator,
} from './fault-means.ts';
import type { Stage } from './stage.ts';
import type { MachineName } from './step-functions.ts';
import { publishOnce, startWriter } from './writer.ts';

export interface Fault {
  name: string;
  title: string;
  /** The state that it hits. */
  state: string;
  /** The machine that it hits; `cutover` where nothing is said. */
  machine?: MachineName;
  /** Done once, before or after the first call of the state; or in place of every call, until the harm itself no longer throws. */
  when?: 'before' | 'after' | 'instead';
  /** @param signal aborted when nobody waits for the call any more, so that a harm that takes time ends with it */
  harm?(stage: Stage, signal: AbortSignal): Promise<void> | void;
  /** Takes the cause away, as an operator does before a redrive; absent where the harm is over by itself. */
  repair?(stage: Stage): Promise<void> | void;
  /** Breaks the state in the definition itself, for what no integration can do. */
  edit?(state: State): State;
  /** Takes an embedded PostgreSQL: nobody's own server is restarted. */
  embeddedOnly?: true;
  /** How the rehearsal has to end when nobody redrives, and what its one sentence has to say. */
  outcome: 'CutoverComplete' | 'RolledBack' | 'Restored';
  because?: RegExp;
  /** How it ends under hold after a redrive; complete where nothing is said. */
  redriven?: 'RolledBack';
}

/** Everything that can be made to go wrong on purpose, and what must come of it. */
export const FAULTS: Fault[] = [
  {
    name: 'mismatch',
    title: 'a row is altered in PostgreSQL after the copy',
    state: 'RunMigrator',
    when: 'after',
    async harm({ target }) {
      const { rows } = await target.query(
        "SELECT table_name FROM cutover.table_progress WHERE table_name LIKE '%\\_\\_events' ORDER BY rows DESC LIMIT 1",
      );
      const table = quoteIdentifier(rows[0].table_name);
      await target.query(
        `UPDATE ${table} SET content = content || '!' WHERE id = (SELECT id FROM ${table} ORDER BY id LIMIT 1)`,
      );
    },
    outcome: 'RolledBack',
    because: /VerifyCounts failed with VerificationFailed: .*the same number of rows/,
  },
  {
    name: 'task-fails',
    title: 'the migrator ends with exit code 1 before it reaches the target, every time',
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => withMigrator(stage, { command: process.execPath, args: ['-e', 'process.exit(1)'] }),
    repair: (stage) => withMigrator(stage, undefined),
    outcome: 'RolledBack',
    because: /ReadManifest failed with MigrationFailed: The migrator left no record/,
  },
  {
    name: 'task-refuses',
    title: 'a table that nobody knows appears in SQLite, and the migrator refuses the file with exit code 2',
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => inSqlite(stage, 'CREATE TABLE surprise (value TEXT)'),
    repair: (stage) => inSqlite(stage, 'DROP TABLE surprise'),
    outcome: 'RolledBack',
    because:
      /ReadManifest failed with MigrationFailed: The migrator's run .* ended as "refused": The table "surprise" of /,
  },
  {
    name: 'task-killed',
    title: 'the migrator is killed in the middle of its comparison; its second run succeeds',
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => atMoment(stage, 'compared: ', () => stage.world.ecs.kill(migrationTaskDefinition(stage))),
    outcome: 'CutoverComplete',
  },
  {
    name: 'task-never-starts',
    title: "the migrator's image cannot be pulled",
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => withMigrator(stage, 'missing'),
    repair: (stage) => withMigrator(stage, undefined),
    outcome: 'RolledBack',
    because: /ReadManifest failed with MigrationFailed: The migrator left no record/,
  },
  {
    name: 'database-restarts',
    title: 'PostgreSQL is restarted in the middle of the comparison; the second run succeeds',
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => atMoment(stage, 'compared: ', () => void stage.target.restart?.()),
    embeddedOnly: true,
    outcome: 'CutoverComplete',
  },
  {
    name: 'relay-restarted',
    title: 'somebody starts a task of the old relay by hand during the copy',
    state: 'RunMigrator',
    when: 'before',
    async harm(stage) {
      const { cluster } = relayService(stage);
      const task = stage.world.ecs.runTask({
        cluster,
        taskDefinition: oldTaskDefinition(stage),
        group: 'family:by-hand',
      });
      await until(stage, () => task.lastStatus === 'RUNNING');
    },
    repair: (stage) => stage.world.ecs.stopGroup('family:by-hand'),
    outcome: 'RolledBack',
    because: /AssertQuiet failed with NotQuiet: A task of .* has run since the stop/,
  },
  {
    name: 'writes-until-the-end',
    title: 'a client publishes as fast as it can until the relay closes its connection',
    state: 'ScaleDown',
    when: 'before',
    async harm(stage) {
      const { world, acknowledged } = stage;
      let count = 0;
      startWriter({
        endpoint: world.endpoint,
        perSecond: Number.POSITIVE_INFINITY,
        onceOnly: true,
        onAcknowledged(event) {
          acknowledged.push(event);
          count++;
        },
      });
      // It is to be in the middle of it when the stop comes.
      await until(stage, () => count > 10);
    },
    outcome: 'CutoverComplete',
  },
  {
    name: 'deadline',
    title: 'the copy takes longer than the write stop may last',
    state: 'RunMigrator',
    when: 'before',
    // The harm itself takes the time; the state's own timeout ends it.
    harm: ({ clock, options }, signal) => clock.sleep(options.settings.writeStopSecondsMax, signal),
    outcome: 'RolledBack',
    because: /RunMigrator failed with DeadlineExceeded: the migrator was still at work/,
  },
  {
    name: 'stack-rolls-back',
    title: 'CloudFormation cannot update the service and rolls the stack back',
    state: 'ExecuteSwitch',
    when: 'before',
    harm: (stage) => failService(stage, 'Resource handler returned message: "Service Unavailable"'),
    outcome: 'RolledBack',
    because: /AwaitSwitch failed with StackUpdateFailed: .*ZooidRelayService/,
  },
  {
    name: 'circuit-breaker',
    title: "ECS's circuit breaker stops the deployment of the new task definition",
    state: 'ExecuteSwitch',
    when: 'before',
    harm: (stage) =>
      failService(
        stage,
        `Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."`,
      ),
    outcome: 'RolledBack',
    because: /AwaitSwitch failed with StackUpdateFailed: .*The circuit breaker of ECS stopped the deployment/,
  },
  {
    name: 'stack-stuck',
    title: 'the update of the stack never ends',
    state: 'ExecuteSwitch',
    when: 'before',
    harm: (stage) => failService(stage, NEVER_ENDS),
    outcome: 'RolledBack',
    because: /AwaitSwitch failed with DeadlineExceeded: .*UPDATE_IN_PROGRESS/,
  },
  {
    name: 'unhealthy',
    title: 'the new relay takes one event, crashes, and never answers again',
    state: 'HealthCheckNewRelay',
    when: 'before',
    async harm(stage) {
      const { world, acknowledged, options } = stage;
      acknowledged.push(await publishOnce(world.endpoint, 'taken by the new relay', options.signal));
      world.programs.set(options.settings.newImage, { command: process.execPath, args: ['-e', 'process.exit(1)'] });
      world.ecs.kill(relayService(stage).taskDefinition);
    },
    repair: ({ world, options }) => void world.programs.delete(options.settings.newImage),
    outcome: 'RolledBack',
    because: /HealthCheckNewRelay failed with .*What PostgreSQL had accepted meanwhile was brought back/,
  },
  {
    name: 'wrong-relay',
    title: 'somebody deploys the old task definition, and the old relay answers the health check and takes an event',
    state: 'HealthCheckNewRelay',
    when: 'before',
    async harm(stage) {
      const { world, acknowledged, options } = stage;
      const { cluster, service } = relayService(stage);
      const taskDefinition = oldTaskDefinition(stage);
      await world.ecs.call('UpdateService', { cluster, service, taskDefinition });
      await until(stage, () => relayService(stage).running.includes(taskDefinition));
      acknowledged.push(await publishOnce(world.endpoint, 'taken by the wrong relay', options.signal));
    },
    outcome: 'RolledBack',
    because: /HealthCheckNewRelay failed with HealthCheckFailed: The PRIMARY deployment of service /,
    // Both stores have accepted events by then, and only the way back brings them together.
    redriven: 'RolledBack',
  },
  {
    name: 'expression-fails',
    title: 'an expression fails where no Catch can see it; the machine "restore" brings the old relay back',
    state: 'QuietGap',
    edit: (state) => ({ ...state, Seconds: '{% $number("no number") %}' }) as State,
    outcome: 'Restored',
    because: /The execution .* ended as FAILED/,
  },
  {
    name: 'stopped',
    title: 'somebody stops the execution by hand in the middle of the switch; "restore" brings the old relay back',
    state: 'AwaitSwitch',
    when: 'before',
    harm: ({ stepFunctions }) =>
      stepFunctions.ofMachine('cutover')[0]?.execution.stop('StoppedByHand', 'Somebody pressed Stop'),
    outcome: 'Restored',
    because: /The execution .* ended as ABORTED/,
  },
  {
    name: 'second-start',
    title: 'a second execution is started while the first one runs; it is turned away',
    state: 'ScaleDown',
    when: 'before',
    async harm({ stepFunctions }) {
      const second = stepFunctions.start('cutover', {});
      const { error } = await second.done;
      if (error !== 'AnotherExecution') throw new Error(`The second execution ended with ${error}.`);
    },
    outcome: 'CutoverComplete',
  },
];

/** @throws Refused for a name that is not on the list */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault) return fault;
  throw new Refused(`There is no fault "${name}": expected one of ${FAULTS.map((one) => one.name).join(', ')}.`);
}

function inSqlite({ directories }: Stage, sql: string): void {
  const database = new Database(join(directories.efs, 'db'));
  database.exec(sql);
  database.close();
}

/** Does something once, when the migrator announces a moment whose name begins so. */
function atMoment({ world, options }: Stage, moment: string, act: () => void): void {
  const listen = (container: string, line: string): void => {
    if (container !== options.settings.names.migrationContainer || !line.includes(`"name":"${moment}`)) return;
    world.logListeners.delete(listen);
    act();
  };
  world.logListeners.add(listen);
}
