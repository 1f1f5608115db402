import { MIGRATOR_CHECKS, type MigratorWorld } from './cutover-checks.ts';
import type { Editing } from './preview.ts';
import { type Check, DESIRED_COUNT_CHECK, ON_POSTGRES_CHECK, SERVICE_CHECKS } from './relay-checks.ts';

/** What the preflight of a rollback has read. */
export interface RollbackWorld extends MigratorWorld {
  /** The edits that put back what the switch took out. */
  goingBack: Editing;
}

/** What must be true before the write stop of a rollback. All of it is looked at, and all findings are told at once. */
export const ROLLBACK_CHECKS: Check<RollbackWorld>[] = [
  ...SERVICE_CHECKS,
  ON_POSTGRES_CHECK,
  DESIRED_COUNT_CHECK,
  {
    title: 'the template takes back what the switch took out',
    finding: ({ goingBack }) =>
      'refusal' in goingBack ? `The template cannot be brought back to SQLite: ${goingBack.refusal}` : undefined,
  },
  ...MIGRATOR_CHECKS,
];

/**
 * What is left to do where the file system is out of the stack, which only `finalize` does.
 *
 * @param missing logical ids that the stack has no longer
 */
export function afterFinalize(stackName: string, missing: string[]): string {
  return [
    `The stack ${stackName} has no ${missing.join(', ')} any more: finalize has run, and no machine brings the relay back to SQLite. Nothing was changed; the relay serves from PostgreSQL as before.`,
    'By hand: deploy the template of before (the artefact bucket has it), with an empty file system;',
    'copy the archived db and db-wal from the artefact bucket to it, as the user of the access point;',
    'stop the relay, run the migrator in mode reverse with SQLITE_PATH and DATABASE_URL, and see that it ends verified;',
    'then start the old relay.',
  ].join(' ');
}
