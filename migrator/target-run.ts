import type pg from 'pg';
import type { DatabaseAddress, MigratorConfiguration } from './configuration.ts';
import { assertAuthorityTarget, beginRun, endRun, ensureControlSchema, lockTarget } from './control-schema.ts';
import type { Manifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { recorded } from './recorded.ts';
import { asTargetFailure, connectTarget } from './target.ts';

/**
 * Makes one run of a mode that works while the target holds the truth: alone on it, and recorded in schema `cutover` from its
 * beginning to its end.
 *
 * @param work gives the manifest of a run that is verified
 * @throws Refused when the target does not hold the truth, and whatever `work` throws, in the words of a failure of the target
 */
export async function runWhileTargetHolds(
  { runId, mode, database }: MigratorConfiguration,
  progress: Progress,
  work: (client: pg.Client) => Promise<Manifest>,
): Promise<Manifest> {
  const client = await connectTarget(database as DatabaseAddress);
  progress.say('Connected to PostgreSQL');
  try {
    await lockTarget(client);
    await assertAuthorityTarget(client);
    await ensureControlSchema(client, runId);
    await beginRun(client, runId, mode);
    progress.moment('run begun');
    const manifest = await recorded(client, runId, () => work(client));
    await endRun(client, runId, { status: 'verified', manifest });
    progress.moment('run verified');
    return manifest;
  } catch (error) {
    throw asTargetFailure(error, 'PostgreSQL refused');
  } finally {
    await client.end().catch(() => {});
  }
}
