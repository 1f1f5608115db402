import type pg from 'pg';
import type { ArchiveManifest, Manifest, TableManifest } from '../migrator/manifest.ts';
import { quoteIdentifier } from '../migrator/table-kinds.ts';
import { MigrationFailed, MigrationInterrupted, Refused } from '../statemachine/errors.ts';
import { manifestOf } from './manifest-form.ts';
import type { SampleEvent } from './sample-events.ts';
import { type ConnectTarget, connectByIam, type OnTarget, withTarget } from './target-database.ts';

export interface ReadManifestEvent {
  /** Runs of one execution begin alike: `<execution>/<redrive>/<attempt>`. */
  runIdPrefix: string;
  mode: 'load' | 'reconcile' | 'check-reverse' | 'reverse' | 'archive';
  /** Events that the old relay served before the write stop. */
  samples: SampleEvent[];
  /** Error and cause that ECS gave for the migrator's task; null when it ended well. */
  taskFailure: string | null;
}

export interface ReadManifestResult {
  runId: string;
  /** What is in quarantine, bytes, and the columns of generic tables, are told of only where there are any. */
  tables: ManifestTable[];
  /** Tables of the source that were left out because somebody said so; absent where there are none. */
  excluded?: Manifest['excluded'];
  /** Those of the samples that stand in the target; the others were deleted before the stop. */
  samples: SampleEvent[];
  /** How long the run took. */
  seconds: number;
  /** Of the mode `archive` alone. */
  archive?: ArchiveSummary;
}

type ManifestTable = Pick<
  TableManifest,
  'table' | 'kind' | 'rows' | 'digest' | 'bytes' | 'columns' | 'quarantinedDigest'
> &
  Partial<Pick<TableManifest, 'quarantinedRows'>>;

/** An archive, as far as it fits into the event of a state machine. */
export interface ArchiveSummary extends Omit<ArchiveManifest, 'ignored'> {
  /** How many files the migrator saw, those that it left out too, and how large they are. */
  count: number;
  listedBytes: number;
  /** Where there are many, the first of them; the manifest in `cutover.run` has all. */
  files: ArchiveManifest['files'];
}

/** 256 KiB is what a state may hand on, and one file takes about 300 bytes. Source: Step Functions quotas. */
const ARCHIVED_FILES_TOLD_MAX = 200;

/** A refusal lists twenty rows a table; Step Functions takes a cause of 32,768 characters. */
const MESSAGE_CHARACTERS_MAX = 16_000;
/** A table or an archived file takes some hundred bytes. */
const MANIFEST_BYTES_MAX = 16_777_216;

/**
 * Makes the handler that reads what the migrator wrote about the newest run of an execution. RunTask.sync returns the
 * task's description and not what the program found, and its exit code alone proves nothing.
 *
 * @throws MigrationInterrupted when that run failed or never ended and may be made again, MigrationFailed when it was
 *   refused or left no record
 */
export function createHandler(dependencies: {
  connect: ConnectTarget;
}): (event: ReadManifestEvent & OnTarget) => Promise<ReadManifestResult> {
  return ({ target, runIdPrefix, mode, samples, taskFailure }) => {
    const connect: ConnectTarget = (address) =>
      dependencies.connect(address).catch((error) => {
        throw taskFailure !== null && error instanceof Refused ? refusedBeforeRole(taskFailure, error) : error;
      });
    return withTarget(connect, target, async (client) => {
      const { rows } = await client.query<{
        run_id: string;
        status: string;
        message: string | null;
        seconds: number | null;
        manifest: unknown;
      }>(
        `SELECT left(run_id, 500) AS run_id, left(status, 50) AS status, left(message, ${MESSAGE_CHARACTERS_MAX}) AS message,
           CASE WHEN octet_length(manifest::text) <= ${MANIFEST_BYTES_MAX} THEN manifest END AS manifest, extract(epoch FROM finished_at - started_at)::float8 AS seconds FROM cutover.run
         WHERE starts_with(run_id, $1) AND mode = $2 ORDER BY started_at DESC LIMIT 1`,
        [runIdPrefix, mode],
      );
      const [run] = rows;
      if (!run) {
        throw new MigrationFailed(
          `The migrator left no record of a run ${runIdPrefix}*: its task ended before it reached the target${taskFailure ? ` (${taskFailure})` : ''}. Its log, prefix "migrate", says more.`,
        );
      }
      if (run.status !== 'verified') {
        const Failure = run.status === 'refused' ? MigrationFailed : MigrationInterrupted;
        throw new Failure(
          `The migrator's run ${run.run_id} ended as "${run.status}": ${run.message ?? `it was ended from outside${taskFailure ? ` (${taskFailure})` : ''}`}`,
        );
      }
      const manifest = manifestOf(run.run_id, run.manifest);
      const { seconds } = run;
      if (seconds === null) {
        throw new MigrationFailed(
          `The migrator's run ${run.run_id} is verified and never ended: expected both. Somebody else wrote to cutover.run; look at that row, then repeat.`,
        );
      }
      const tables = manifest.tables
        .filter(({ onlyInSource }) => !onlyInSource)
        .map(({ table, kind, rows, digest, bytes, columns, quarantinedRows, quarantinedDigest }) => ({
          ...{ table, kind, rows, digest },
          ...(bytes !== undefined && { bytes }),
          ...(columns && { columns }),
          ...(quarantinedDigest !== undefined && { quarantinedRows, quarantinedDigest }),
        }));
      const { archive, excluded } = manifest;
      return {
        runId: run.run_id,
        tables,
        ...(excluded && { excluded }),
        samples: await present(client, tables, samples),
        seconds,
        ...(archive && { archive: summaryOf(archive) }),
      };
    });
  };
}

/** A first load that is refused makes nothing in the target, and no role either. */
function refusedBeforeRole(taskFailure: string, cause: Refused): MigrationFailed {
  return new MigrationFailed(
    `The migrator's task ended before it had written anything to the target (${taskFailure}): its log, prefix "migrate", says why, and names every row that it refuses. (${cause.message})`,
    { cause },
  );
}

export const handler = createHandler({ connect: connectByIam(process.env) });

function summaryOf({ ignored, ...archive }: ArchiveManifest): ArchiveSummary {
  const seen = [...archive.files, ...ignored];
  return {
    ...archive,
    count: seen.length,
    listedBytes: seen.reduce((sum, { bytes }) => sum + bytes, 0),
    files: archive.files.slice(0, ARCHIVED_FILES_TOLD_MAX),
  };
}

async function present(
  client: pg.Client,
  tables: ReadManifestResult['tables'],
  samples: SampleEvent[],
): Promise<SampleEvent[]> {
  const found = new Map<string, string>();
  for (const { table } of tables.filter(({ kind }) => kind === 'events')) {
    const { rows } = await client.query<SampleEvent>(
      `SELECT id, sig FROM ${quoteIdentifier(table)} WHERE id = ANY ($1::text[])`,
      [samples.map(({ id }) => id)],
    );
    for (const { id, sig } of rows) found.set(id, sig);
  }
  return samples.filter(({ id, sig }) => found.get(id) === sig);
}
