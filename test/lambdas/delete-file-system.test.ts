import { describe, expect, it } from 'vitest';
import { createHandler, type DeleteFileSystemEvent } from '../../lambdas/delete-file-system.ts';
import { type FileSystem, fileSystemsIn } from '../../lambdas/file-systems.ts';

const ARCHIVE = {
  ...{ bucket: 'artefacts', prefix: 'archive/relay/one/', fileSystem: 'fs-1' },
  ...{ files: [], count: 3, listedBytes: 100_000 },
};
const EVENT: DeleteFileSystemEvent = { action: 'delete', stackName: 'relay', owner: 'us', archive: ARCHIVE };

function scene({ bytes = 100_000, state = 'available', mountTargets = [] as string[], owner = 'us' } = {}) {
  const world: { fileSystem: FileSystem | undefined; mountTargets: string[]; done: string[] } = {
    ...{ fileSystem: { bytes, state }, mountTargets, done: [] },
  };
  const handler = createHandler({
    fileSystems: {
      describe: async () => world.fileSystem,
      mountTargets: async () => world.mountTargets,
      async deleteMountTarget(id) {
        world.done.push(id);
        world.mountTargets = world.mountTargets.filter((one) => one !== id);
      },
      async delete(id) {
        world.done.push(id);
        world.fileSystem = { bytes, state: 'deleting' };
      },
    },
    lock: { read: async () => ({ owner, since: '2026-01-01T00:00:00.000Z', released: false }) as never },
  });
  return { handler, world };
}

describe('the end of the file system', () => {
  it('takes left-over mount targets first, then the file system, and may be asked twice', async () => {
    const { handler, world } = scene({ mountTargets: ['fsmt-1', 'fsmt-2'] });
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'NotYet' });
    expect(await handler(EVENT)).toEqual({ fileSystem: 'fs-1' });
    expect(await handler(EVENT)).toEqual({ fileSystem: 'fs-1' });
    expect(world.done).toEqual(['fsmt-1', 'fsmt-2', 'fs-1']);
    await expect(handler({ ...EVENT, action: 'await' })).rejects.toMatchObject({
      name: 'NotYet',
      message: 'The file system fs-1 is "deleting"; expected it to be gone. Asking again.',
    });
    world.fileSystem = undefined;
    expect(await handler({ ...EVENT, action: 'await' })).toEqual({ fileSystem: 'fs-1' });
    expect(await handler(EVENT)).toEqual({ fileSystem: 'fs-1' });
  });

  it('does not come while the file system holds more than the migrator saw', async () => {
    const most = 100_000 + 3 * 4_096 + 2 ** 20;
    const { handler, world } = scene({ bytes: most + 1 });
    await expect(handler(EVENT)).rejects.toMatchObject({
      name: 'Refused',
      message: `The file system fs-1 holds ${most + 1} bytes, and the 3 file(s) that the migrator saw have 100000: expected at most ${most} with what EFS adds. Something lies outside of the relay's directory, and it is not in the archive archive/relay/one/. Nothing was deleted. Mount the file system, look at what it is, and delete the file system by hand.`,
    });
    expect(world.done).toEqual([]);
    expect(await scene({ bytes: most }).handler(EVENT)).toEqual({ fileSystem: 'fs-1' });
  });

  it('does not come without the lock, or when the archive does not say what it is of', async () => {
    const { handler, world } = scene({ owner: 'another' });
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'LockHeld' });
    await expect(handler({ ...EVENT, archive: { ...ARCHIVE, fileSystem: null } })).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('does not say which file system it is of'),
    });
    expect(world.done).toEqual([]);
  });
});

describe('what is asked of EFS', () => {
  it('takes for gone what EFS does not know, and lets every other error through', async () => {
    const gone = (name: string) =>
      fileSystemsIn({ send: () => Promise.reject(Object.assign(new Error(name), { name })) } as never);
    const fileSystems = gone('FileSystemNotFound');
    expect(await fileSystems.describe('fs-1')).toBeUndefined();
    expect(await fileSystems.mountTargets('fs-1')).toEqual([]);
    await fileSystems.delete('fs-1');
    await gone('MountTargetNotFound').deleteMountTarget('fsmt-1');
    await expect(gone('AccessDenied').delete('fs-1')).rejects.toThrow('AccessDenied');
  });

  it('reads size and state', async () => {
    const answer = { FileSystems: [{ SizeInBytes: { Value: 6_144 }, LifeCycleState: 'available' }] };
    const fileSystems = fileSystemsIn({ send: async () => answer } as never);
    expect(await fileSystems.describe('fs-1')).toEqual({ bytes: 6_144, state: 'available' });
  });
});
