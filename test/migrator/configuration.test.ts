import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfiguration, parseDatabaseUrl } from '../../migrator/configuration.ts';
import { Refused } from '../../statemachine/errors.ts';

const GOOD = { SQLITE_PATH: '/data/db', DATABASE_URL: 'postgres://me:word@host/relay' };
const EXPECTED = 'expected postgres://user:password@host:port/database';

describe('the configuration', () => {
  it('is read from the environment', () => {
    expect(
      parseConfiguration('load', {
        ...GOOD,
        CUTOVER_RUN_ID: 'run/1',
        CUTOVER_SCRATCH_DIRECTORY: '/scratch',
        CUTOVER_VERIFIER_ROLE: 'verifier',
        CUTOVER_ALLOW_DELETIONS: '1',
        CUTOVER_QUARANTINE: '1',
        CUTOVER_EXCLUDE_TABLES: '["invites", "a b"]',
        CUTOVER_GENERIC_TABLES: '["media"]',
        PGSSLROOTCERT: '/ca.pem',
      }),
    ).toEqual({
      mode: 'load',
      sqlitePath: '/data/db',
      database: {
        host: 'host',
        port: 5432,
        user: 'me',
        password: 'word',
        database: 'relay',
        tls: 'disable',
        rootCertificatePath: '/ca.pem',
      },
      runId: 'run/1',
      scratchDirectory: '/scratch',
      verifierRole: 'verifier',
      allowDeletions: true,
      quarantine: true,
      tableChoice: { exclude: ['invites', 'a b'], generic: ['media'] },
    });
  });

  it('needs nothing but the source for a check, and names the run itself', () => {
    const { runId, ...rest } = parseConfiguration('check', { SQLITE_PATH: 'db', DATABASE_URL: '' });
    expect(rest).toEqual({
      mode: 'check',
      sqlitePath: resolve('db'),
      tableChoice: { exclude: [], generic: [] },
    });
    expect(runId).toMatch(/^manual\/\d{4}-\d\d-\d\dT/);
  });

  it('is refused with all that is wrong with it', () => {
    const refusal = (): unknown =>
      parseConfiguration('', {
        DATABASE_URL: 'mysql://me:word@host/relay',
        CUTOVER_ALLOW_DELETIONS: 'yes',
        CUTOVER_QUARANTINE: '0',
        CUTOVER_EXCLUDE_TABLES: 'invites',
        CUTOVER_GENERIC_TABLES: '[1]',
      });
    expect(refusal).toThrow(Refused);
    expect(refusal).toThrow(
      `Unknown mode "": expected one of check, load, reconcile, verify, check-reverse, reverse, archive.
SQLITE_PATH is not set: expected the path of the SQLite file, for example /app/data/db.
DATABASE_URL begins with "mysql://": ${EXPECTED}.
CUTOVER_ALLOW_DELETIONS is "yes": expected 1, or nothing at all.
CUTOVER_QUARANTINE is "0": expected 1, or nothing at all.
CUTOVER_EXCLUDE_TABLES is "invites": expected a JSON list of tables of the source, for example ["invites"].
CUTOVER_GENERIC_TABLES is "[1]": expected a JSON list of tables of the source, for example ["invites"].`,
    );
  });
});

describe('DATABASE_URL', () => {
  it.each([
    ['postgresql://u@h/d', { host: 'h', port: 5432, user: 'u', password: '', database: 'd', tls: 'disable' }],
    [
      'postgres://u%40x:p%2Fw%3A%25@[::1]:6000/d%20b?sslmode=require',
      { host: '::1', port: 6000, user: 'u@x', password: 'p/w:%', database: 'd b', tls: 'verify-full' },
    ],
    [
      'postgres://u:p@h/d?sslmode=no-verify',
      { host: 'h', port: 5432, user: 'u', password: 'p', database: 'd', tls: 'no-verify' },
    ],
  ])('is understood: %s', (url, parts) => {
    expect(parseDatabaseUrl(url)).toEqual(parts);
  });

  it.each([
    ['secret', `DATABASE_URL is not a URL: ${EXPECTED}, with reserved characters of the password percent-encoded.`],
    [
      'postgres://u:sec#ret@h/d',
      `DATABASE_URL is not a URL: ${EXPECTED}, with reserved characters of the password percent-encoded.`,
    ],
    [
      'postgres://u:sec/ret@h/d',
      `DATABASE_URL is not a URL: ${EXPECTED}, with reserved characters of the password percent-encoded.`,
    ],
    [
      'postgres://u:secret@h:port/d',
      `DATABASE_URL is not a URL: ${EXPECTED}, with reserved characters of the password percent-encoded.`,
    ],
    ['postgres://u:secret@h', `DATABASE_URL has no database: ${EXPECTED}.`],
    ['postgres://h/d', `DATABASE_URL has no user: ${EXPECTED}.`],
    ['postgres:///', `DATABASE_URL has no host, no user, no database: ${EXPECTED}.`],
    [
      'postgres://u:secret@h/d?sslmode=prefer',
      'DATABASE_URL has sslmode=prefer: expected one of disable, no-verify, require, verify-ca, verify-full.',
    ],
    [
      'postgres://u:100%secret@h/d',
      'DATABASE_URL has a "%" that begins no percent-encoded character: write "%25" for "%" itself.',
    ],
  ])('is refused without its password being repeated: %s', (url, message) => {
    expect(parseDatabaseUrl(url)).toBe(message);
  });
});
