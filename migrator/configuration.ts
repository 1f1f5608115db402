import { basename, resolve } from 'node:path';
import { Refused } from '../statemachine/errors.ts';
import type { TableChoice } from './table-choice.ts';

export const MODES = ['check', 'load', 'reconcile', 'verify', 'check-reverse', 'reverse', 'archive'] as const;
export type Mode = (typeof MODES)[number];

export interface MigratorConfiguration {
  mode: Mode;
  sqlitePath: string;
  /** Absent only in mode `check`, which then looks at the source alone. */
  database?: DatabaseAddress;
  runId: string;
  /** Where the scratch copy is made; the operating system's temporary directory when absent. */
  scratchDirectory?: string;
  /** A role that may read the target and take authority, created by the migrator; none when absent. */
  verifierRole?: string;
  /** `reverse` may delete more rows of the SQLite file than is usual. */
  allowDeletions?: boolean;
  /** Rows that cannot go over stay out of the target, in `cutover.quarantine`, in place of a refusal. */
  quarantine?: boolean;
  /** What is to become of tables of no known kind, in every mode. */
  tableChoice: TableChoice;
  /** Where `archive` brings the files; absent in every other mode. */
  archive?: ArchivePlace;
}

export interface ArchivePlace {
  bucket: string;
  /** Begins the key of every object. */
  prefix: string;
  /** Id of the file system, for whoever deletes it by what the archive says. */
  fileSystem: string | null;
  /** Files that are left out, as paths in the data directory. */
  ignore: string[];
}

export interface DatabaseAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  tls: 'disable' | 'no-verify' | 'verify-full';
  /** File of PEM certificates to trust instead of the RDS bundle and the system's roots. */
  rootCertificatePath?: string;
}

// libpq's `require` does not look at the certificate. Here it does, since the RDS bundle is at hand and a relay's data is at stake.
const TLS_BY_SSLMODE: Record<string, DatabaseAddress['tls']> = {
  disable: 'disable',
  'no-verify': 'no-verify',
  require: 'verify-full',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
};

/**
 * Reads the migrator's environment (runbook step 4 names SQLITE_PATH and DATABASE_URL) and reports everything that is
 * wrong with it at once.
 *
 * @throws Refused with one line for each finding; never with the password in it
 */
export function parseConfiguration(mode: string, environment: NodeJS.ProcessEnv): MigratorConfiguration {
  const findings: string[] = [];
  if (!MODES.includes(mode as Mode)) findings.push(`Unknown mode "${mode}": expected one of ${MODES.join(', ')}.`);

  const sqlitePath = environment.SQLITE_PATH ?? '';
  if (sqlitePath === '') {
    findings.push('SQLITE_PATH is not set: expected the path of the SQLite file, for example /app/data/db.');
  }

  const url = environment.DATABASE_URL ?? '';
  let database: DatabaseAddress | undefined;
  if (url === '') {
    if (mode !== 'check')
      findings.push('DATABASE_URL is not set: expected postgres://user:password@host:port/database.');
  } else {
    const parsed = parseDatabaseUrl(url);
    if (typeof parsed === 'string') findings.push(parsed);
    else database = parsed;
  }
  const isOn = (name: string): boolean => {
    const value = environment[name] ?? '';
    if (!['', '1'].includes(value)) findings.push(`${name} is "${value}": expected 1, or nothing at all.`);
    return value === '1';
  };
  const allowDeletions = isOn('CUTOVER_ALLOW_DELETIONS');
  const quarantine = isOn('CUTOVER_QUARANTINE');
  const exclude = nameList(environment, 'CUTOVER_EXCLUDE_TABLES', 'tables of the source', ['invites']);
  const generic = nameList(environment, 'CUTOVER_GENERIC_TABLES', 'tables of the source', ['invites']);
  findings.push(...[exclude, generic].filter((list) => typeof list === 'string'));
  const archive = mode === 'archive' ? archivePlace(environment, sqlitePath) : undefined;
  if (Array.isArray(archive)) findings.push(...archive);
  if (findings.length > 0 || typeof exclude === 'string' || typeof generic === 'string')
    throw new Refused(findings.join('\n'));

  const rootCertificatePath = environment.PGSSLROOTCERT;
  return {
    mode: mode as Mode,
    sqlitePath: resolve(sqlitePath),
    ...(database && { database: { ...database, ...(rootCertificatePath && { rootCertificatePath }) } }),
    runId: environment.CUTOVER_RUN_ID || `manual/${new Date().toISOString()}`,
    ...(environment.CUTOVER_SCRATCH_DIRECTORY && { scratchDirectory: environment.CUTOVER_SCRATCH_DIRECTORY }),
    ...(environment.CUTOVER_VERIFIER_ROLE && { verifierRole: environment.CUTOVER_VERIFIER_ROLE }),
    ...(allowDeletions && { allowDeletions }),
    ...(quarantine && { quarantine }),
    tableChoice: { exclude, generic },
    ...(archive !== undefined && !Array.isArray(archive) && { archive }),
  };
}

/** Where the archive goes, or one sentence for each thing that is wrong with it. */
function archivePlace(environment: NodeJS.ProcessEnv, sqlitePath: string): ArchivePlace | string[] {
  const bucket = environment.CUTOVER_ARCHIVE_BUCKET ?? '';
  const prefix = environment.CUTOVER_ARCHIVE_PREFIX ?? '';
  // Without a word, SQLite's shared memory alone: it is made anew from the WAL.
  const ignore =
    (environment.CUTOVER_ARCHIVE_IGNORE ?? '') === ''
      ? [`${basename(sqlitePath)}-shm`]
      : nameList(environment, 'CUTOVER_ARCHIVE_IGNORE', 'paths in the data directory', ['db-shm']);
  const findings = [
    ...(bucket === '' ? ['CUTOVER_ARCHIVE_BUCKET is not set: expected the name of an S3 bucket with versioning.'] : []),
    ...(prefix === '' ? ['CUTOVER_ARCHIVE_PREFIX is not set: expected how the keys begin, for example relay/.'] : []),
    ...(typeof ignore === 'string' ? [ignore] : []),
  ];
  if (typeof ignore === 'string' || findings.length > 0) return findings;
  return { bucket, prefix, fileSystem: environment.CUTOVER_ARCHIVE_FILE_SYSTEM || null, ignore };
}

/** The strings of a JSON list, none without a word, or a sentence that says what is wrong with it. */
function nameList(environment: NodeJS.ProcessEnv, variable: string, of: string, example: string[]): string[] | string {
  const text = environment[variable] ?? '';
  if (text === '') return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return list;
  } catch {
    // The sentence below says what is expected.
  }
  return `${variable} is "${text}": expected a JSON list of ${of}, for example ${JSON.stringify(example)}.`;
}

/** The parts of a `postgres://` URL, or a sentence that says what is wrong with it without repeating it: it holds a password. */
export function parseDatabaseUrl(text: string): DatabaseAddress | string {
  const expected = 'expected postgres://user:password@host:port/database';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `DATABASE_URL is not a URL: ${expected}, with reserved characters of the password percent-encoded.`;
  }
  if (!['postgres:', 'postgresql:'].includes(url.protocol)) {
    return `DATABASE_URL begins with "${url.protocol}//": ${expected}.`;
  }
  const database = url.pathname.slice(1);
  if (url.hostname === '' || url.username === '' || database === '') {
    const missing = Object.entries({ host: url.hostname, user: url.username, database }).filter(
      ([, value]) => value === '',
    );
    return `DATABASE_URL has no ${missing.map(([name]) => name).join(', no ')}: ${expected}.`;
  }
  const sslmode = url.searchParams.get('sslmode') ?? 'disable';
  const tls = TLS_BY_SSLMODE[sslmode];
  if (tls === undefined) {
    return `DATABASE_URL has sslmode=${sslmode}: expected one of ${Object.keys(TLS_BY_SSLMODE).join(', ')}.`;
  }
  try {
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 5432 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(database),
      tls,
    };
  } catch {
    return 'DATABASE_URL has a "%" that begins no percent-encoded character: write "%25" for "%" itself.';
  }
}
