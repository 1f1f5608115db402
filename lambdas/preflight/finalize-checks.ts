import type { TaskDefinition } from '@aws-sdk/client-ecs';
import type { FileSystem } from '../file-systems.ts';
import { databaseFinding } from './cutover-checks.ts';
import type { Editing } from './preview.ts';
import { type Check, ON_POSTGRES_CHECK, SERVICE_CHECKS } from './relay-checks.ts';
import type { RelayWorld } from './relay-world.ts';
import type { DatabaseInstance } from './surroundings.ts';

/** What the preflight of finalize has read. */
export interface FinalizeWorld extends RelayWorld {
  database: DatabaseInstance | undefined;
  /** The edits that take the file system out. */
  removing: Editing;
  /** Null once the file system has left the stack: an earlier run has come that far. */
  storage: Storage | null;
}

/** What is still in the stack of SQLite's home. */
export interface Storage {
  fileSystemId: string;
  /** Undefined where EFS does not know it. */
  fileSystem: FileSystem | undefined;
  /** As the template says it; undefined is CloudFormation's default, to delete. */
  deletionPolicy: unknown;
  /** Undefined where the stack has none. */
  migrationTask: TaskDefinition | undefined;
}

/** What must be true before SQLite's file system may go. All of it is looked at, and all findings are told at once. */
export const FINALIZE_CHECKS: Check<FinalizeWorld>[] = [
  ...SERVICE_CHECKS,
  ON_POSTGRES_CHECK,
  {
    title: 'the database is a PostgreSQL that is available and lets roles sign in by IAM',
    finding: ({ database, resources, names }) => databaseFinding(database, resources.get(names.databaseInstance)),
  },
  {
    title: 'the template takes the edits that remove the file system',
    finding: ({ removing }) =>
      'refusal' in removing ? `The file system cannot be taken out of the template: ${removing.refusal}` : undefined,
  },
  {
    title: 'the file system is there, and is kept when it leaves the stack',
    finding({ storage, names }) {
      if (storage === null) return undefined;
      if (storage.fileSystem === undefined)
        return `EFS has no file system ${storage.fileSystemId}, although the stack names it: there is nothing to archive. Find out who deleted it, then take it out of the template by hand.`;
      if (storage.deletionPolicy === 'Retain') return undefined;
      return `The resource ${names.fileSystem} has the DeletionPolicy ${storage.deletionPolicy ?? 'Delete (none is named)'}: it would be deleted with the change set. Expected Retain, as prepare sets it. Set it, deploy the template, and start again.`;
    },
  },
  {
    title: 'the migrator that archives the files is there',
    finding({ storage, names }) {
      if (storage === null || storage.migrationTask !== undefined) return undefined;
      return `The stack has no resource ${names.migrationTaskDefinition}, so nothing can archive the file system. Run prepare's edits again (relay-cutover template add-rds), deploy the template, and start again.`;
    },
  },
];
