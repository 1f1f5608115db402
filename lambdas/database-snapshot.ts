import { createHash } from 'node:crypto';
import { NotYet, Refused } from '../statemachine/errors.ts';
import { type Snapshot, type Snapshots, snapshotsOfAws } from './snapshots.ts';

export type DatabaseSnapshotEvent =
  | {
      action: 'find-or-take';
      instance: string;
      /** An older one is passed over. */
      ageHoursMax: number;
      /** What a new one is named by: asked twice by the same, it is taken once. */
      origin: string;
    }
  | { action: 'await'; instance: string; snapshot: string };

export interface DatabaseSnapshotResult {
  snapshot: string;
  /** ISO time; null while it is being begun. */
  createdAt: string | null;
}

/**
 * Makes the handler that sees to it that the database could be had back: one snapshot, manual or automated, that is not too
 * old. A snapshot of ours stays; it is the owner's to delete.
 *
 * @throws NotYet (`await`) while it is being made, Refused when it failed or is gone
 */
export function createHandler(dependencies: {
  snapshots: Snapshots;
  now(): Date;
}): (event: DatabaseSnapshotEvent) => Promise<DatabaseSnapshotResult> {
  const { snapshots, now } = dependencies;
  return async (event) => {
    const found = await snapshots.ofInstance(event.instance);
    if (event.action === 'await') return awaited(found, event);
    const youngest = now().getTime() - event.ageHoursMax * 3_600_000;
    const timeOf = ({ createdAt }: Snapshot): number => Date.parse(createdAt ?? '');
    const [recent] = found
      .filter((snapshot) => snapshot.status === 'available' && timeOf(snapshot) >= youngest)
      .sort((one, other) => timeOf(other) - timeOf(one));
    if (recent !== undefined) return resultOf(recent);
    const id = `${event.instance}-finalize-${hashOf(event.origin)}`;
    await snapshots.take(event.instance, id);
    return { snapshot: id, createdAt: null };
  };
}

export const handler = createHandler({ snapshots: snapshotsOfAws(), now: () => new Date() });

function awaited(found: Snapshot[], { instance, snapshot }: { instance: string; snapshot: string }) {
  const ours = found.find(({ id }) => id === snapshot);
  if (ours?.status === 'available') return resultOf(ours);
  if (ours?.status === 'creating') {
    throw new NotYet(`The snapshot ${snapshot} is "creating"; expected "available". Asking again.`);
  }
  throw new Refused(
    `The snapshot ${snapshot} of ${instance} is ${ours === undefined ? 'not there' : `"${ours.status}"`}; expected "available". Look into the events of RDS for why, then start again: another one is taken.`,
  );
}

function resultOf({ id, createdAt }: Snapshot): DatabaseSnapshotResult {
  return { snapshot: id, createdAt };
}

/** RDS takes letters, digits and single hyphens. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
