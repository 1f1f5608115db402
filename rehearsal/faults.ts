import { join } from 'node:path';
import Database from 'better-sqlite3';
import { quoteIdentifier } from '../migrator/table-kinds.ts';
import { Refused } from '../statemachine/errors.ts';
import type { Stage } from './stage.ts';

export interface Fault {
  name: string;
  title: string;
  /** The harm is done once, before or after the first call of this state. */
  state: string;
  when: 'before' | 'after';
  harm(stage: Stage): Promise<void> | void;
  /** How the execution has to end, and the error that it has to name. */
  outcome: 'RolledBack';
  because: RegExp;
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
    title: 'the migrator ends with exit code 1 before it reaches the target',
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) =>
      void stage.world.programs.set(migratorImage(stage), {
        command: process.execPath,
        args: ['-e', 'process.exit(1)'],
      }),
    outcome: 'RolledBack',
    because: /ReadManifest failed with MigrationFailed: The migrator left no record/,
  },
  {
    name: 'task-refuses',
    title: 'a table that nobody knows appears in SQLite, and the migrator refuses the file with exit code 2',
    state: 'RunMigrator',
    when: 'before',
    harm({ directories }) {
      const database = new Database(join(directories.efs, 'db'));
      database.exec('CREATE TABLE surprise (value TEXT)');
      database.close();
    },
    outcome: 'RolledBack',
    because:
      /ReadManifest failed with MigrationFailed: The migrator's run .* ended as "refused": The table "surprise" of /,
  },
  {
    name: 'task-killed',
    title: 'the migrator is killed in the middle of its comparison',
    state: 'RunMigrator',
    when: 'before',
    harm(stage) {
      const { world } = stage;
      const killAtMoment = (container: string, line: string): void => {
        if (container !== stage.options.settings.names.migrationContainer || !line.includes('"name":"compared: '))
          return;
        world.logListeners.delete(killAtMoment);
        world.ecs.kill(migrationTaskDefinition(stage));
      };
      world.logListeners.add(killAtMoment);
    },
    outcome: 'RolledBack',
    because: /ReadManifest failed with MigrationFailed: The migrator's run .* ended as "running"/,
  },
  {
    name: 'task-never-starts',
    title: "the migrator's image cannot be pulled",
    state: 'RunMigrator',
    when: 'before',
    harm: (stage) => void stage.world.programs.set(migratorImage(stage), 'missing'),
    outcome: 'RolledBack',
    because: /ReadManifest failed with MigrationFailed: The migrator left no record/,
  },
  {
    name: 'stack-rolls-back',
    title: 'CloudFormation cannot update the service and rolls the stack back',
    state: 'ExecuteSwitch',
    when: 'before',
    harm: ({ world }) =>
      void world.failingUpdates.set('AWS::ECS::Service', 'Resource handler returned message: "Service Unavailable"'),
    outcome: 'RolledBack',
    because: /AwaitSwitch failed with StackUpdateFailed: .*ZooidRelayService/,
  },
];

/** @throws Refused for a name that is not on the list */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault) return fault;
  throw new Refused(`There is no fault "${name}": expected one of ${FAULTS.map((one) => one.name).join(', ')}.`);
}

function migrationTaskDefinition({ world, options: { settings } }: Stage): string {
  return world.cloudFormation.stackResources(settings.stackName)[settings.names.migrationTaskDefinition] as string;
}

function migratorImage(stage: Stage): string {
  return stage.world.ecs.imageOf(migrationTaskDefinition(stage)) as string;
}
