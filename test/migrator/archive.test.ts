import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler as takeAuthority } from '../../lambdas/authority.ts';
import { createHandler } from '../../lambdas/read-manifest.ts';
import { type ObjectStore, startObjectStore } from '../../rehearsal/object-store.ts';
import { fileStates } from '../support/file-states.ts';
import { genericPlace, said } from '../support/generic-place.ts';
import { environmentOf, migrateHere, type Place, type Result } from '../support/migrator.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { handedOver, handOver } from '../support/reversed.ts';
import { scene } from '../support/scene.ts';
import { connectTo, migrated, onTarget } from '../support/signed-target.ts';
import { withClient } from '../support/table-bytes.ts';

const PREFIX = 'archive/relay/one/';
const SIGNED_IN = { AWS_REGION: 'me-central-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

let store: ObjectStore;
beforeEach(async () => {
  store = await startObjectStore(join(await temporaryDirectory(), 'objects'));
  // The SDK reads these from the process itself.
  const environment = { ...SIGNED_IN, AWS_ENDPOINT_URL_S3: store.url };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await store.stop();
});

const archived = (place: Place, more: NodeJS.ProcessEnv = {}): Promise<Result> =>
  migrateHere('archive', {
    ...environmentOf(place),
    CUTOVER_RUN_ID: 'finalize/0/archive-1.0',
    CUTOVER_ARCHIVE_BUCKET: 'artefacts',
    CUTOVER_ARCHIVE_PREFIX: PREFIX,
    CUTOVER_ARCHIVE_FILE_SYSTEM: 'fs-1',
    ...more,
  });
const read = (place: Place) =>
  onTarget(createHandler({ connect: connectTo(place.url) }))({
    runIdPrefix: 'finalize/',
    mode: 'archive',
    samples: [],
    taskFailure: null,
  });
const directoryOf = ({ sqlitePath }: Place): string => dirname(sqlitePath);

describe('the archive of the file system', () => {
  it('expects the rows that are in quarantine in the file, which they have never left', async () => {
    const place = await scene();
    const database = new Database(place.sqlitePath);
    database.exec("INSERT INTO kv VALUES ('bad', x'00')");
    database.close();
    for (const [mode, runId] of [
      ['load', 'load/0'],
      ['reconcile', 'cutover/0/0'],
    ] as const) {
      const environment = { ...environmentOf(place), CUTOVER_RUN_ID: runId, CUTOVER_QUARANTINE: '1' };
      expect(await migrateHere(mode, environment)).toMatchObject({ code: 0 });
    }
    await onTarget(takeAuthority({ connect: connectTo(place.url) }))({ action: 'take', runId: 'cutover/0/0' });
    const { code, lines } = await archived(place);
    expect(code).toBe(0);
    expect(lines.map(({ text }) => text)).toContain('  kv: cutover=4 archive=4 [OK]');
  });

  it('brings every file that is not left out into the bucket, changes none, and tells of it in its manifest', async () => {
    const place = await handedOver();
    mkdirSync(join(directoryOf(place), 'media/deep'), { recursive: true });
    writeFileSync(join(directoryOf(place), 'media/deep/größe.txt'), 'a picture');
    writeFileSync(join(directoryOf(place), 'empty'), '');
    const before = fileStates(directoryOf(place));
    const result = await archived(place);
    expect(result).toMatchObject({ code: 0, outcome: 'verified' });
    expect(fileStates(directoryOf(place))).toEqual(before);

    const { archive, tables } = await read(place);
    expect(archive).toMatchObject({ bucket: 'artefacts', prefix: PREFIX, fileSystem: 'fs-1', count: 5 });
    expect(archive?.files.map(({ file }) => file)).toEqual(['db', 'db-wal', 'empty', 'media/deep/größe.txt']);
    expect(tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['kv', 'relay__events']));
    for (const { file, bytes, sha256, versionId } of archive?.files ?? []) {
      const versions = store.objects.get(`artefacts/${PREFIX}${file}`);
      expect(versions, file).toEqual([{ versionId, bytes, sha256 }]);
      expect(bytes, file).toBe(readFileSync(join(directoryOf(place), file)).length);
    }
    expect(result.lines.map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^ {2}relay__events: cutover=\d+ archive=\d+ \[OK\]$/)]),
    );
  });

  it('leaves authority as it is, also for the verified run that is its newest', async () => {
    const place = await handedOver();
    await archived(place);
    await archived(place, { CUTOVER_RUN_ID: 'finalize/0/archive-2.0' });
    const { rows } = await withClient(place.url, (client) =>
      client.query('SELECT holder, run_id FROM cutover.authority'),
    );
    expect(rows).toEqual([{ holder: 'target', run_id: 'cutover/0/0' }]);
    expect(store.objects.get(`artefacts/${PREFIX}db`)).toHaveLength(2);
  });

  it('is refused while the source holds the truth', async () => {
    const place = await scene();
    await migrated(place, 'load', 'load');
    expect(await archived(place)).toMatchObject({
      code: 2,
      message: expect.stringContaining('the SQLite file holds the truth'),
    });
    expect(store.objects.size).toBe(0);
  });

  it('is refused when a relay has written to the file since the cutover', async () => {
    const place = await handedOver();
    const database = new Database(place.sqlitePath);
    database.exec("INSERT INTO kv VALUES ('since', 'then')");
    database.close();
    expect(await archived(place)).toMatchObject({
      code: 2,
      message: expect.stringMatching(
        /^The SQLite files are not those that the cutover left: found db .*; expected db /,
      ),
    });
    expect(store.objects.size).toBe(0);
    await expect(read(place)).rejects.toMatchObject({ name: 'MigrationFailed' });
  });

  it('is refused when the database that came back has other rows than the cutover found', async () => {
    const place = await scene();
    await handOver(place);
    await withClient(place.url, (client) =>
      client.query(
        `UPDATE cutover.run SET manifest = jsonb_set(manifest, '{tables,0,rows}', '999') WHERE run_id = 'cutover/0/0'`,
      ),
    );
    expect(await archived(place)).toMatchObject({
      code: 2,
      message: expect.stringMatching(/has other rows than the cutover found .*, expected 999/),
    });
  });

  it('is refused by what is neither a file nor a directory, and names it', async () => {
    const place = await handedOver();
    symlinkSync('/etc/hostname', join(directoryOf(place), 'link'));
    expect(await archived(place)).toMatchObject({
      code: 2,
      message: expect.stringMatching(/link is neither a file nor a directory but a symbolic link: expected /),
    });
    expect(store.objects.size).toBe(0);
  });

  it('is refused when the database would be left out, and without a place to bring the files to', async () => {
    const place = await handedOver();
    expect(await archived(place, { CUTOVER_ARCHIVE_IGNORE: '["db-wal"]' })).toMatchObject({
      code: 2,
      message: expect.stringContaining('db-wal would be left out of the archive'),
    });
    expect(
      await archived(place, { CUTOVER_ARCHIVE_BUCKET: '', CUTOVER_ARCHIVE_PREFIX: '', CUTOVER_ARCHIVE_IGNORE: 'db' }),
    ).toMatchObject({
      code: 2,
      message: [
        'CUTOVER_ARCHIVE_BUCKET is not set: expected the name of an S3 bucket with versioning.',
        'CUTOVER_ARCHIVE_PREFIX is not set: expected how the keys begin, for example relay/.',
        'CUTOVER_ARCHIVE_IGNORE is "db": expected a JSON list of paths in the data directory, for example ["db-shm"].',
      ].join('\n'),
    });
  });

  it('counts generic tables too, and is refused when it is not told what they are', async () => {
    const place = await genericPlace();
    await handOver(place);
    const result = await archived(place);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain('  media: cutover=20 archive=20 [OK]');
    const { sqlitePath, url } = place;
    expect(await archived({ sqlitePath, url })).toMatchObject({
      code: 2,
      message: expect.stringContaining('The table "invite" of '),
    });
  });

  it('fails, and may be repeated, when S3 cannot be reached', async () => {
    const place = await handedOver();
    await store.stop();
    expect(await archived(place)).toMatchObject({
      code: 1,
      message: expect.stringMatching(
        /^archive\/relay\/one\/db could not be brought to the bucket artefacts: .* Repeat\.$/,
      ),
    });
    await expect(read(place)).rejects.toMatchObject({ name: 'MigrationInterrupted' });
  });
});

describe('the local S3', () => {
  it('refuses what comes with the checksum of something else', async () => {
    const said = Buffer.alloc(32).toString('base64');
    const answer = await fetch(`${store.url}/bucket/key`, {
      method: 'PUT',
      body: 'text',
      headers: { 'x-amz-checksum-sha256': said },
    });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')]);
    expect(store.objects.size).toBe(0);
  });
});
