import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migratePlace } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences, sqliteBytes } from '../support/table-bytes.ts';

interface Writer {
  /** Waits until so many more transactions are committed. */
  transactions(more: number): Promise<void>;
  committed(): number;
  /** Ends it between two transactions by SIGKILL. */
  stop(): Promise<void>;
}

function startWriter(sqlitePath: string): Writer {
  const program = fileURLToPath(new URL('../support/source-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, sqlitePath], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  let committed = 0;
  lines.on('line', (line) => {
    committed = Number(line);
  });
  return {
    async transactions(more) {
      for (const goal = committed + more; committed < goal; ) {
        await Promise.race([once(lines, 'line'), ended.then(() => Promise.reject(new Error('The writer has ended.')))]);
      }
    },
    committed: () => committed,
    async stop() {
      child.stdin.write('stop\n');
      await ended;
    },
  };
}

describe('a source that is written to while it is loaded', () => {
  it('ends exactly equal by reconcile after the stop, however often it was loaded before', async () => {
    const sqlitePath = join(await temporaryDirectory(), 'db');
    createRelaySource(sqlitePath, { events: 2_000 });
    const place = { sqlitePath, url: (await freshDatabase()).url };
    const writer = startWriter(sqlitePath);
    for (let load = 1; load <= 3; load++) {
      await writer.transactions(50);
      const before = writer.committed();
      expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
      await writer.transactions(100);
      expect(writer.committed()).toBeGreaterThan(before);
      expect(await differences(place)).not.toEqual([]);
    }
    await writer.stop();
    expect(existsSync(`${sqlitePath}-wal`) && statSync(`${sqlitePath}-wal`).size).toBeGreaterThan(0);
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    expect(sqliteBytes(sqlitePath).late__events).toHaveLength(30);
  });

  it('is not reconciled while it is still written to', async () => {
    const sqlitePath = join(await temporaryDirectory(), 'db');
    createRelaySource(sqlitePath, { events: 200 });
    const place = { sqlitePath, url: (await freshDatabase()).url };
    const writer = startWriter(sqlitePath);
    await writer.transactions(150);
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await migratePlace('reconcile', place)).toMatchObject({
      code: 1,
      message: `The source was written to during each of 3 passes. Stop every task that writes to ${sqlitePath}, then repeat.`,
    });
    await writer.stop();
  });
});
