import { statSync } from 'node:fs';
import { Refused } from '../../statemachine/errors.ts';

export type StoreKind = 'sqlite' | 'postgres';

export interface RelaySettings {
  port: number;
  /** The only Host header that is served. */
  host: string;
  schema: string;
  secretKey: Uint8Array;
  name: string;
  /** The contact key that the relay's information document names; not the key that the relay signs with. */
  pubkey: string;
  adminPubkeys: string[];
  /** Where the rows are: the SQLite image reads DATA only, the PostgreSQL image DATABASE_URL only. */
  store: { kind: 'sqlite'; directory: string } | { kind: 'postgres'; url: string };
}

const PUBKEY = /^[0-9a-f]{64}$/;
const EXPECTED = {
  PORT: 'a TCP port from 0 to 65535',
  RELAY_HOST: 'the host name that clients use, such as relay.example.com',
  RELAY_SECRET: '64 lower-case hexadecimal digits',
  RELAY_PUBKEY: '64 lower-case hexadecimal digits',
  ADMIN_PUBKEYS: 'public keys of 64 lower-case hexadecimal digits, separated by commas',
  DATA: 'an existing directory, in which the file "db" is or will be',
  DATABASE_URL: 'postgres://user:password@host:port/database',
};
const SECRET_VARIABLES = new Set<string>(['RELAY_SECRET', 'DATABASE_URL']);

/**
 * Reads the environment of the relay's container.
 *
 * @throws Refused naming every missing and invalid variable at once; values of secret variables are not repeated
 */
export function readSettings(store: StoreKind, environment: NodeJS.ProcessEnv): RelaySettings {
  const problems: string[] = [];
  const read = (name: keyof typeof EXPECTED, valid: (value: string) => boolean, fallback?: string): string => {
    const value = environment[name] || fallback;
    if (value === undefined) problems.push(`${name} is not set; expected ${EXPECTED[name]}`);
    else if (!valid(value)) {
      const seen = SECRET_VARIABLES.has(name) ? 'has another form' : `is "${value}"`;
      problems.push(`${name} ${seen}; expected ${EXPECTED[name]}`);
    }
    return value ?? '';
  };

  const settings: RelaySettings = {
    port: Number(read('PORT', (value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535)),
    host: read('RELAY_HOST', (value) => /^[A-Za-z0-9.-]+(:\d+)?$/.test(value)).toLowerCase(),
    schema: environment.RELAY_SCHEMA || 'sphere_relay',
    secretKey: Buffer.from(
      read('RELAY_SECRET', (value) => PUBKEY.test(value)),
      'hex',
    ),
    name: environment.RELAY_NAME || 'stand-in relay',
    pubkey: read('RELAY_PUBKEY', (value) => value === '' || PUBKEY.test(value), ''),
    adminPubkeys: pubkeys(read('ADMIN_PUBKEYS', (value) => pubkeys(value).every((key) => PUBKEY.test(key)), '')),
    store:
      store === 'sqlite'
        ? { kind: 'sqlite', directory: read('DATA', isDirectory) }
        : { kind: 'postgres', url: read('DATABASE_URL', isPostgresUrl) },
  };
  if (problems.length > 0) throw new Refused(`The relay does not start: ${problems.join('. ')}.`);
  return settings;
}

/** The container's configuration file wants its list quoted, so quoted keys are taken as well. */
function pubkeys(list: string): string[] {
  return list
    .split(',')
    .map((key) => key.trim().replace(/^"(.*)"$/, '$1'))
    .filter((key) => key !== '');
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isPostgresUrl(value: string): boolean {
  return URL.canParse(value) && ['postgres:', 'postgresql:'].includes(new URL(value).protocol);
}
