import { NotYet, Refused } from '../statemachine/errors.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { assertOurs, type LockStore } from './execution-lock/lock-store.ts';
import { type FileSystems, fileSystemsOfAws } from './file-systems.ts';
import type { ArchiveSummary } from './read-manifest.ts';

export interface DeleteFileSystemEvent {
  action: 'delete' | 'await';
  stackName: string;
  /** ARN of the calling execution: it has to have the stack's lock. */
  owner: string;
  /** What the verified run of the migrator says of the archive. */
  archive: ArchiveSummary;
}

/** EFS meters every file and directory in blocks of this size. Source: EFS user guide, "Metering". */
const BLOCK_BYTES = 4_096;
/** For directories, and for what EFS itself keeps. */
const SPARE_BYTES = 2 ** 20;

/**
 * Makes the handler that deletes the file system that was archived, with what is left of its mount targets. It may run twice:
 * what is gone is gone. There is no undo but the archive, so it looks once more whether that has everything.
 *
 * @returns the id; after `await` there is no file system of it
 * @throws NotYet while mount targets or the file system itself are going, Refused when the file system holds more than the
 *   archive, LockHeld when another execution has the stack
 */
export function createHandler(dependencies: {
  fileSystems: FileSystems;
  lock: Pick<LockStore, 'read'>;
}): (event: DeleteFileSystemEvent) => Promise<{ fileSystem: string }> {
  const { fileSystems, lock } = dependencies;
  return async ({ action, stackName, owner, archive }) => {
    const id = archive.fileSystem;
    if (id === null) {
      throw new Refused(
        `The archive in ${archive.bucket}/${archive.prefix} does not say which file system it is of, so nothing is deleted. Expected its id, as a run by the state machine leaves it. Delete the file system by hand.`,
      );
    }
    const found = await fileSystems.describe(id);
    if (found === undefined) return { fileSystem: id };
    if (action === 'await' || found.state === 'deleting') {
      if (action === 'delete') return { fileSystem: id };
      throw new NotYet(`The file system ${id} is "${found.state}"; expected it to be gone. Asking again.`);
    }
    assertOurs(await lock.read(stackName), stackName, owner);
    assertArchived(id, found.bytes, archive);
    const mountTargets = await fileSystems.mountTargets(id);
    for (const mountTarget of mountTargets) await fileSystems.deleteMountTarget(mountTarget);
    if (mountTargets.length > 0) {
      throw new NotYet(
        `The file system ${id} still has ${mountTargets.length} mount target(s), which are going; asking again.`,
      );
    }
    await fileSystems.delete(id);
    return { fileSystem: id };
  };
}

/** The migrator sees what is below its access point only; whatever else the file system holds shows in its size. */
function assertArchived(id: string, bytes: number, { count, listedBytes, prefix }: ArchiveSummary): void {
  const expected = listedBytes + count * BLOCK_BYTES + SPARE_BYTES;
  if (bytes <= expected) return;
  throw new Refused(
    `The file system ${id} holds ${bytes} bytes, and the ${count} file(s) that the migrator saw have ${listedBytes}: expected at most ${expected} with what EFS adds. Something lies outside of the relay's directory, and it is not in the archive ${prefix}. Nothing was deleted. Mount the file system, look at what it is, and delete the file system by hand.`,
  );
}

let deployed: ReturnType<typeof createHandler> | undefined;

/** The Lambda entry point; the table with the locks stands in LOCK_TABLE. */
export async function handler(event: DeleteFileSystemEvent): Promise<{ fileSystem: string }> {
  deployed ??= createHandler({ fileSystems: fileSystemsOfAws(), lock: deployedStore(process.env) });
  return deployed(event);
}
