import { parseArgs } from 'node:util';
import { getPublicKey } from 'nostr-tools/pure';
import { Refused } from '../../statemachine/errors.ts';
import type { RelayDatabase } from './database.ts';
import { type EventStore, eventStore } from './event-store.ts';
import { ADMIN_LIST_KIND, adminList } from './nostr-rules.ts';
import { openPostgres } from './postgres-store.ts';
import { serve } from './server.ts';
import { type RelaySettings, readSettings, type StoreKind } from './settings.ts';
import { openSqlite } from './sqlite-store.ts';

function readStoreKind(): StoreKind {
  const { values } = parseArgs({ options: { store: { type: 'string' } }, strict: false });
  if (values.store === 'sqlite' || values.store === 'postgres') return values.store;
  throw new Refused('The relay does not start: expected --store sqlite or --store postgres.');
}

function openDatabase({ store, schema }: RelaySettings): Promise<RelayDatabase> | RelayDatabase {
  return store.kind === 'sqlite' ? openSqlite(store.directory, schema) : openPostgres(store.url, schema);
}

/** The list is newer than the one it replaces also when the relay starts twice in a second or the clock was put back. */
async function writeAdminList(store: EventStore, { secretKey, adminPubkeys }: RelaySettings): Promise<void> {
  const [previous] = await store.query({ kinds: [ADMIN_LIST_KIND], authors: [getPublicKey(secretKey)], limit: 1 });
  const createdAt = Math.max(Math.floor(Date.now() / 1_000), (previous?.created_at ?? 0) + 1);
  await store.save(adminList(secretKey, adminPubkeys, createdAt));
}

async function main(): Promise<void> {
  const settings = readSettings(readStoreKind(), process.env);
  const database = await openDatabase(settings);
  const store = eventStore(database, settings.schema);
  await writeAdminList(store, settings);
  const server = await serve(settings, store);

  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    await server.stop();
    await database.leave();
    // An exit from within skips better-sqlite3's clean-up, which would close the file and so remove the WAL.
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log(`listening on ${server.port}`);
}

try {
  await main();
} catch (error) {
  // A connection that fails on every address of a name carries a code and no message.
  const { message, code } = error as NodeJS.ErrnoException;
  console.error(error instanceof Refused ? message : `The relay does not start: ${message || code}`);
  process.exit(error instanceof Refused ? 2 : 1);
}
