import { z } from 'zod';
import type { Manifest } from '../migrator/manifest.ts';
import { MigrationFailed } from '../statemachine/errors.ts';
import { findingsIn } from '../statemachine/findings.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const rows = z.int().nonnegative();

const column = z.looseObject({
  name: z.string(),
  type: z.enum(['text', 'int8', 'int4', 'float8', 'bytea']),
  nullable: z.literal(true).optional(),
});

const table = z.looseObject({
  table: z.string(),
  kind: z.string(),
  rows,
  // Where nothing is compared (a trial of the way back, a table that only the source has) there is none.
  digest: digest.or(z.literal('')),
  bytes: rows.optional(),
  columns: z.array(column).optional(),
  quarantinedRows: rows.optional(),
  quarantinedDigest: digest.optional(),
  onlyInSource: z.boolean().optional(),
});

const file = z.looseObject({ file: z.string(), bytes: rows });

/** As much of a manifest as the state machine acts upon. */
const manifestSchema = z.looseObject({
  tables: z.array(table),
  excluded: z.array(z.looseObject({ table: z.string(), rows: rows.nullable() })).optional(),
  archive: z
    .looseObject({
      bucket: z.string(),
      prefix: z.string(),
      fileSystem: z.string().nullable(),
      files: z.array(file.extend({ sha256: z.string(), versionId: z.string().nullable() })),
      ignored: z.array(file),
    })
    .optional(),
});

/**
 * A manifest as the migrator writes it. It comes out of a row that whoever may write to PostgreSQL may have written.
 *
 * @throws MigrationFailed with what is wrong with it
 */
export function manifestOf(runId: string, value: unknown): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data as unknown as Manifest;
  throw new MigrationFailed(
    `The manifest of the migrator's run ${runId} is not as a migrator writes it: ${findingsIn(result.error, '(manifest)').join('; ')}. Somebody else wrote to cutover.run, or migrator and functions are of different versions: look at that row, deploy again, then repeat.`,
  );
}
