import type { TaskDefinition } from '@aws-sdk/client-ecs';
import type { Names } from '../../statemachine/settings.ts';
import type { ImageAnswer } from './image-registry.ts';
import type { Editing } from './preview.ts';
import { type Check, DESIRED_COUNT_CHECK, RELAY_CHECKS } from './relay-checks.ts';
import type { RelayWorld } from './relay-world.ts';
import type { DatabaseInstance } from './surroundings.ts';

/** What the migrator works with, in either direction. */
export interface MigratorWorld extends RelayWorld {
  migrationTask: TaskDefinition;
  rollbackTask: TaskDefinition;
  database: DatabaseInstance | undefined;
}

/** What must be true of it before a write stop, that of a cutover or of a rollback. */
export const MIGRATOR_CHECKS: Check<MigratorWorld>[] = [
  {
    title: 'the migrator reads EFS and has its database URL from a secret',
    finding: ({ migrationTask, names }) => migratorFinding('migration', migrationTask, names, { readOnly: true }),
  },
  {
    title: 'the way back may write to EFS, and has its database URL from a secret',
    finding: ({ rollbackTask, names }) => migratorFinding('rollback', rollbackTask, names, { readOnly: false }),
  },
  {
    title: 'the database is a PostgreSQL that is available and lets roles sign in by IAM',
    finding: ({ database, resources, names }) => databaseFinding(database, resources.get(names.databaseInstance)),
  },
];

/** What the preflight of a cutover has read. */
export interface CutoverWorld extends MigratorWorld {
  newImageAnswer: ImageAnswer;
  /** The edits of the switch. */
  switching: Editing;
}

/** What must be true before a write stop. All of it is looked at, and all findings are told at once. */
export const CUTOVER_CHECKS: Check<CutoverWorld>[] = [
  ...RELAY_CHECKS,
  DESIRED_COUNT_CHECK,
  {
    title: 'the template takes the six edits of the switch',
    finding: ({ switching }) =>
      'refusal' in switching ? `The template cannot be switched to PostgreSQL: ${switching.refusal}` : undefined,
  },
  {
    title: 'the image of the new relay is there',
    finding: ({ newImageAnswer }) =>
      newImageAnswer.status === 'missing'
        ? `${newImageAnswer.reason}, so the new relay could not start. Push it, or correct the setting newImage.`
        : undefined,
  },
  ...MIGRATOR_CHECKS,
];

/** What is wrong with a task definition that runs the migrator, or nothing. */
function migratorFinding(
  what: string,
  task: TaskDefinition,
  names: Names,
  mount: { readOnly: boolean },
): string | undefined {
  const container = task.containerDefinitions?.find(({ name }) => name === names.migrationContainer);
  if (!container)
    return `The task definition ${task.taskDefinitionArn} has no container ${names.migrationContainer}. Run prepare again.`;
  const plain = container.environment?.some(({ name }) => name === names.databaseUrlVariable);
  if (plain)
    return `The ${what} task definition holds ${names.databaseUrlVariable} as plain text, so everybody who may read it has the password. Run prepare again: it takes it from a secret.`;
  if (!container.secrets?.some(({ name }) => name === names.databaseUrlVariable))
    return `The ${what} task definition has no secret ${names.databaseUrlVariable}. Run prepare again.`;
  const mounts = (container.mountPoints ?? []).filter(({ sourceVolume }) => sourceVolume === names.volume);
  if (mounts.length === 0)
    return `The ${what} task definition does not mount the volume ${names.volume}, where the SQLite file is. Run prepare again.`;
  const wanted = ({ readOnly = false }: { readOnly?: boolean | undefined }): boolean => readOnly === mount.readOnly;
  if (mounts.every(wanted)) return undefined;
  return mount.readOnly
    ? `The ${what} task definition mounts EFS for writing; expected readOnly. Run prepare again.`
    : `The ${what} task definition mounts EFS for reading only, so the way back could not write to it. Run prepare again.`;
}

/** What is wrong with the database, or nothing. */
export function databaseFinding(
  database: DatabaseInstance | undefined,
  instance: string | undefined,
): string | undefined {
  if (database === undefined) return `RDS has no instance ${instance}, although the stack names it. Restore it first.`;
  const { status, address, engine, engineVersion, iamAuthentication } = database;
  if (status !== 'available' || address === null)
    return `The database ${instance} is "${status}"; expected "available". Wait until it is.`;
  if (engine !== 'postgres') return `The database ${instance} is a ${engine} ${engineVersion}; expected PostgreSQL.`;
  if (!iamAuthentication)
    return `The database ${instance} does not let roles sign in by IAM, so nothing could be verified. Run prepare again: it turns IAM database authentication on.`;
  return undefined;
}
