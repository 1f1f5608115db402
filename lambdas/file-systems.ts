import {
  DeleteFileSystemCommand,
  DeleteMountTargetCommand,
  DescribeFileSystemsCommand,
  DescribeMountTargetsCommand,
  EFSClient,
} from '@aws-sdk/client-efs';
import type { ClientConfiguration } from './preflight/relay-world.ts';

export interface FileSystem {
  /** As it is metered, in all storage classes. */
  bytes: number;
  /** `deleting` for a while after the request. Source: EFS API reference, LifeCycleState. */
  state: string;
}

/** What finalize asks of EFS, and may do there. */
export interface FileSystems {
  /** Undefined where there is no file system of that id (any more). */
  describe(id: string): Promise<FileSystem | undefined>;
  mountTargets(id: string): Promise<string[]>;
  deleteMountTarget(mountTarget: string): Promise<void>;
  delete(id: string): Promise<void>;
}

export function fileSystemsIn(efs: Pick<EFSClient, 'send'>): FileSystems {
  return {
    async describe(id) {
      const answer = await efs.send(new DescribeFileSystemsCommand({ FileSystemId: id })).catch(unless(undefined));
      const found = answer?.FileSystems?.[0];
      return found && { bytes: found.SizeInBytes?.Value ?? 0, state: found.LifeCycleState ?? '' };
    },
    async mountTargets(id) {
      const answer = await efs.send(new DescribeMountTargetsCommand({ FileSystemId: id })).catch(unless(undefined));
      return (answer?.MountTargets ?? []).map(({ MountTargetId = '' }) => MountTargetId);
    },
    async deleteMountTarget(mountTarget) {
      await efs.send(new DeleteMountTargetCommand({ MountTargetId: mountTarget })).catch(unless(undefined));
    },
    async delete(id) {
      await efs.send(new DeleteFileSystemCommand({ FileSystemId: id })).catch(unless(undefined));
    },
  };
}

/** What is gone already needs no deletion; every other error goes on. */
function unless<T>(answer: T): (error: Error) => T {
  return (error) => {
    if (['FileSystemNotFound', 'MountTargetNotFound'].includes(error.name)) return answer;
    throw error;
  };
}

export function fileSystemsOfAws(configuration: ClientConfiguration = {}): FileSystems {
  return fileSystemsIn(new EFSClient(configuration));
}
