import type { Snapshots } from '../lambdas/snapshots.ts';
import type { Clock } from './clock.ts';

/** As seen in the cloud for a small database, on the rehearsal's clock. */
const SNAPSHOT_SECONDS = 120;

/** The snapshots of an RDS, as far as their names and times. */
export function createSnapshots(clock: Clock): Snapshots {
  const taken: { instance: string; id: string; at: Date }[] = [];
  return {
    async ofInstance(instance) {
      return taken
        .filter((one) => one.instance === instance)
        .map(({ id, at }) => {
          const isDone = clock.now().getTime() - at.getTime() >= SNAPSHOT_SECONDS * 1_000;
          return { id, status: isDone ? 'available' : 'creating', createdAt: at.toISOString() };
        });
    },
    async take(instance, id) {
      if (!taken.some((one) => one.id === id)) taken.push({ instance, id, at: clock.now() });
    },
  };
}
