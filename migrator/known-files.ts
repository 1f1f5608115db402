import type pg from 'pg';
import type { FileContent } from './file-swap.ts';

/**
 * Says whether the SQLite files are what the target was made equal to: those of the reconcile that took authority, or one
 * that a `reverse` has put there since, unless that one kept rows which the target has not. When they are neither, a relay
 * has written to them, and they may hold what no other place has.
 */
export async function isKnown(client: pg.Client, files: FileContent[]): Promise<boolean> {
  const { rows } = await client.query<{ files: FileContent[] | null }>(
    `SELECT run.manifest #> '{source,files}' AS files FROM cutover.run JOIN cutover.authority USING (run_id)
     WHERE run.mode = 'reconcile' AND run.status = 'verified'
     UNION ALL
     SELECT jsonb_build_array(jsonb_build_object('file', file, 'bytes', bytes, 'sha256', sha256)) FROM cutover.written_file
     WHERE kept = 0 AND written_at > (SELECT changed_at FROM cutover.authority)`,
  );
  return rows.some((row) => row.files !== null && contentOf(row.files) === contentOf(files));
}

/** Before the file stands in its place: a run that is killed right after would else find a file that it does not know. */
export async function recordWrittenFile(
  client: pg.Client,
  runId: string,
  { file, bytes, sha256 }: FileContent,
  kept: number,
): Promise<void> {
  await client.query(
    'INSERT INTO cutover.written_file (file, bytes, sha256, kept, run_id) VALUES ($1, $2, $3, $4, $5)',
    [file, bytes, sha256, kept, runId],
  );
}

function contentOf(files: FileContent[]): string {
  return JSON.stringify(files.map(({ file, bytes, sha256 }) => `${file} ${bytes} ${sha256}`).sort());
}
