import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { freshDatabase } from './support/postgres.ts';

describe('the embedded PostgreSQL', () => {
  it('is major version 16, UTF-8, and sorts as en-US does', async () => {
    const client = new pg.Client({ connectionString: (await freshDatabase()).url });
    await client.connect();
    const { rows } = await client.query(
      "SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_encoding') AS encoding, 'a' < 'B' AS dictionary",
    );
    await client.end();
    expect(rows[0]).toEqual({ major: 16, encoding: 'UTF8', dictionary: true });
  });

  it('leaves the exit code of its process alone', () => {
    const program = "await import('./rehearsal/embedded-postgres.ts'); process.exitCode = 3;";
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
    expect(status).toBe(3);
  });
});
