import type { NostrClient } from '../lambdas/nostr-client.ts';
import type { VirtualClock } from './clock.ts';
import { eventOf, selectEvents } from './events.ts';
import type { Postgres } from './postgres.ts';
import { isExcused, type Records, type Store } from './records.ts';
import { addEvent, EVENTS, TABLES, type Tables } from './rows.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** A relay that runs, and the clients that write to it as long as it does. */
export interface Relay {
  name: string;
  image: string;
  store: Store;
  byHand: boolean;
  /** New clients reach it; while it drains only those that it has go on. */
  isTarget: boolean;
}

export interface Relays {
  readonly running: Relay[];
  /** Programs that write to a store beside the relays. */
  readonly migrators: Map<string, Store>;
  start(relay: Relay): void;
  stop(relay: Relay): void;
  /** Every client sends an event, and hears that it was taken. */
  write(): void;
  /** What a function reaches under the relay's name. */
  connect(): Promise<NostrClient>;
  /** Whether the relay that is reached gives no events, as one with a wrong configuration does. */
  isMute: boolean;
  /** Hears of every relay that stops. */
  onStop: (relay: Relay) => void;
}

/** So many events a relay gets one by one; later ones are fewer, or days would be full of them. */
const WRITES_DENSE = 60;

export function createRelays(world: {
  clock: VirtualClock;
  file: SqliteFile;
  postgres: Postgres;
  records: Records;
}): Relays {
  const { clock, file, postgres, records } = world;
  const running: Relay[] = [];
  const migrators: Relays['migrators'] = new Map();
  // The first are there before the run begins.
  let numbers = INITIAL_EVENTS;
  let written = 0;
  let boots = 0;
  const holder = () => postgres.authority()?.holder ?? 'source';
  const tablesOf = (store: Store): Tables => (store === 'sqlite' ? file.tables : postgres.tables);

  const put = ({ store }: Relay, id: string): boolean => {
    if (store === 'postgres' && !postgres.isUp) return false;
    if (store === 'sqlite') file.write(id);
    else addEvent(postgres.tables, id);
    return true;
  };
  const send = (relay: Relay): void => {
    const { id } = eventOf(numbers);
    if (!put(relay, id)) return;
    numbers += 1;
    const { store, byHand } = relay;
    records.accepted.push({ id, atSeconds: clock.seconds(), store, byHand, holder: holder() });
  };

  return {
    running,
    migrators,
    isMute: false,
    onStop: () => {},
    start(relay) {
      const { store, byHand, image } = relay;
      const authority = postgres.authority();
      const run = authority && postgres.run(authority.runId);
      const expected = records.accepted.filter((one) => !isExcused(one)).map(({ id }) => id);
      const { [EVENTS]: rows } = tablesOf(store);
      records.starts.push({
        ...{ atSeconds: clock.seconds(), store, image, byHand, holder: holder() },
        isVerified: run?.mode === 'reconcile' && run.status === 'verified',
        missing: expected.filter((id) => TABLES.some(({ table }) => !tablesOf(store)[table].has(id))),
        doubled: [...rows].filter(([, times]) => times > 1).map(([id]) => id),
        others: [
          ...running.filter((other) => !other.byHand).map(({ name }) => name),
          ...[...migrators].filter(([, written]) => written === store).map(([name]) => name),
        ],
      });
      running.push(relay);
      // Both relays write an event of their own at boot, which nobody waits for.
      boots += 1;
      put(relay, `written at boot ${boots}`);
      send(relay);
    },
    stop(relay) {
      const place = running.indexOf(relay);
      if (place === -1) return;
      // The last client is heard until the very moment of the stop.
      send(relay);
      running.splice(place, 1);
      this.onStop(relay);
    },
    write() {
      written += 1;
      if (written > WRITES_DENSE && written % 16 !== 0) return;
      for (const relay of running) send(relay);
    },
    async connect() {
      const relay = running.find(({ isTarget }) => isTarget);
      if (!relay) throw new Error('503 Service Temporarily Unavailable');
      const query: NostrClient['query'] = async ({ ids, limit }) => {
        if (relay.store === 'postgres' && !postgres.isUp) throw new Error('closed the query: error: database');
        const isMute = relay.store === 'postgres' && this.isMute;
        return isMute
          ? []
          : selectEvents(tablesOf(relay.store)[EVENTS], { ...(ids && { ids }), limit: Math.min(limit ?? 8, 8) });
      };
      return {
        authenticate: async () => '',
        query,
        publish: async () => ({ accepted: false, message: 'nobody publishes here' }),
        close: async () => {},
      };
    },
  };
}

/** Events that stand in the file when a run begins. */
export const INITIAL_EVENTS = 12;
