import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/database-snapshot.ts';
import { type Snapshot, snapshotsIn } from '../../lambdas/snapshots.ts';

const NOW = new Date('2026-01-08T12:00:00.000Z');
const FIND = { action: 'find-or-take', instance: 'relay-db', ageHoursMax: 24, origin: 'arn:execution/0' } as const;

function scene(...found: Snapshot[]) {
  const taken: string[] = [];
  const handler = createHandler({
    now: () => NOW,
    snapshots: { ofInstance: async () => found, take: async (_, id) => void taken.push(id) },
  });
  return { handler, taken };
}
const snapshot = (id: string, createdAt: string | null, status = 'available'): Snapshot => ({ id, status, createdAt });

describe('the snapshot of the database', () => {
  it('is the newest one that is available and not too old, whoever took it', async () => {
    const { handler, taken } = scene(
      snapshot('rds:relay-db-1', '2026-01-07T12:00:00.000Z'),
      snapshot('by-hand', '2026-01-08T03:00:00.000Z'),
      snapshot('unfinished', '2026-01-08T11:00:00.000Z', 'creating'),
    );
    expect(await handler(FIND)).toEqual({ snapshot: 'by-hand', createdAt: '2026-01-08T03:00:00.000Z' });
    expect(taken).toEqual([]);
  });

  it('is taken where there is none, once for each that asks', async () => {
    const { handler, taken } = scene(snapshot('old', '2026-01-07T11:59:59.000Z'), snapshot('begun', null, 'creating'));
    const first = await handler(FIND);
    expect(first).toEqual({ snapshot: expect.stringMatching(/^relay-db-finalize-[0-9a-f]{12}$/), createdAt: null });
    expect(await handler(FIND)).toEqual(first);
    expect(await handler({ ...FIND, origin: 'arn:execution/1' })).not.toEqual(first);
    expect(taken.slice(0, 2)).toEqual([first.snapshot, first.snapshot]);
  });

  it('is waited for, and refused when it failed or is gone', async () => {
    const wait = (...found: Snapshot[]) =>
      scene(...found).handler({ action: 'await', instance: 'relay-db', snapshot: 'ours' });
    const at = '2026-01-08T11:59:00.000Z';
    expect(await wait(snapshot('ours', at))).toEqual({ snapshot: 'ours', createdAt: at });
    await expect(wait(snapshot('ours', null, 'creating'))).rejects.toMatchObject({ name: 'NotYet' });
    await expect(wait(snapshot('ours', at, 'failed'))).rejects.toMatchObject({
      name: 'Refused',
      message:
        'The snapshot ours of relay-db is "failed"; expected "available". Look into the events of RDS for why, then start again: another one is taken.',
    });
    await expect(wait()).rejects.toMatchObject({ message: expect.stringContaining('is not there; expected') });
  });
});

describe('what is asked of RDS', () => {
  it('reads every page, and takes no second snapshot of a name', async () => {
    const calls: object[] = [];
    const pages = [
      { DBSnapshots: [{ DBSnapshotIdentifier: 'a', Status: 'available', SnapshotCreateTime: NOW }], Marker: 'next' },
      { DBSnapshots: [{ DBSnapshotIdentifier: 'b', Status: 'creating' }] },
    ];
    const send = async (command: { constructor: { name: string }; input: object }) => {
      calls.push(command.input);
      if (command.constructor.name === 'DescribeDBSnapshotsCommand') return pages.shift();
      throw Object.assign(new Error('there'), { name: 'DBSnapshotAlreadyExists' });
    };
    const snapshots = snapshotsIn({ send } as never);
    expect(await snapshots.ofInstance('db')).toEqual([
      { id: 'a', status: 'available', createdAt: NOW.toISOString() },
      { id: 'b', status: 'creating', createdAt: null },
    ]);
    await snapshots.take('db', 'a');
    expect(calls).toEqual([
      { DBInstanceIdentifier: 'db' },
      { DBInstanceIdentifier: 'db', Marker: 'next' },
      { DBInstanceIdentifier: 'db', DBSnapshotIdentifier: 'a' },
    ]);
  });
});
