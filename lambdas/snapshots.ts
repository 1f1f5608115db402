import { CreateDBSnapshotCommand, type DBSnapshot, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';

export interface Snapshot {
  id: string;
  /** `available` once a database can be made of it. Source: RDS API reference, DBSnapshot. */
  status: string;
  /** ISO time; null while it is being begun. */
  createdAt: string | null;
}

/** What finalize asks of RDS, and may do there. */
export interface Snapshots {
  /** Manual and automated ones of an instance. */
  ofInstance(instance: string): Promise<Snapshot[]>;
  /** Takes one, unless there is one of that name already. */
  take(instance: string, id: string): Promise<void>;
}

export function snapshotsIn(rds: Pick<RDSClient, 'send'>): Snapshots {
  return {
    async ofInstance(instance) {
      const found: DBSnapshot[] = [];
      let marker: string | undefined;
      do {
        const page = await rds.send(
          new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: instance, ...(marker && { Marker: marker }) }),
        );
        found.push(...(page.DBSnapshots ?? []));
        marker = page.Marker;
      } while (marker);
      return found.map(({ DBSnapshotIdentifier: id = '', Status: status = '', SnapshotCreateTime }) => ({
        id,
        status,
        createdAt: SnapshotCreateTime?.toISOString() ?? null,
      }));
    },
    async take(instance, id) {
      try {
        await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: instance, DBSnapshotIdentifier: id }));
      } catch (error) {
        // The service's error code is DBSnapshotAlreadyExists, the SDK's class has another end.
        if (error instanceof Error && /^DBSnapshotAlreadyExists(Fault)?$/.test(error.name)) return;
        throw error;
      }
    },
  };
}

export function snapshotsOfAws(): Snapshots {
  return snapshotsIn(new RDSClient({}));
}
