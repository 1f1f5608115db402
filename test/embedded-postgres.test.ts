import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { startPostgres } from '../rehearsal/embedded-postgres.ts';
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

  it('has its shared memory in its own directory, with which it goes also when it is killed', async () => {
    const client = new pg.Client({ connectionString: inject('postgresAdminUrl') });
    await client.connect();
    const { rows } = await client.query("SELECT name FROM pg_ls_dir('pg_dynshmem') AS name");
    await client.end();
    expect(rows).toContainEqual({ name: expect.stringMatching(/^mmap\.\d+$/) });
  });

  it('is stopped also when it has ended by itself, as Ctrl-C on a terminal ends it', async () => {
    const server = await startPostgres();
    const client = new pg.Client({ connectionString: server.adminUrl });
    await client.connect();
    const { rows } = await client.query("SELECT current_setting('data_directory') AS directory");
    await client.end();
    const directory: string = rows[0].directory;
    process.kill(Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT');
    while (existsSync(join(directory, 'postmaster.pid'))) await pause(20);
    await pause(200);
    await server.stop();
    expect(existsSync(directory)).toBe(false);
  }, 60_000);
});
