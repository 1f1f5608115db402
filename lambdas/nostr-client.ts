import type { Filter } from 'nostr-tools/filter';
import { makeAuthEvent } from 'nostr-tools/nip42';
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from 'nostr-tools/pure';
import { ANSWER_FRAMES_MAX, FrameExchange, type FrameOptions, type Reader, said } from './nostr-frames.ts';

export interface NostrClientOptions extends FrameOptions {
  url: string;
  /** The virtual relay to ask for, where the url does not name it. */
  hostHeader?: string;
  /** For each operation as a whole: connecting, authenticating, one query, one publication. */
  timeoutSeconds: number;
  /** For one frame; the answer to one query may take 16 times as much in memory. */
  maxPayloadBytes: number;
}

export interface Acknowledgement {
  accepted: boolean;
  /** The relay's reason, with NIP-01's prefix such as `duplicate:`; often empty. */
  message: string;
}

export interface NostrClient {
  /** Signs in by NIP-42 with the key given, else with a new one, and gives the public key. Throws Error with the relay's reason when it refuses. */
  authenticate(secretKey?: Uint8Array): Promise<string>;
  /** Gives the stored events that a filter selects (NIP-01) as they came: their form and ids are for the caller to check. */
  query(filter: Filter): Promise<unknown[]>;
  /** Sends an event and gives the relay's word on it (NIP-01's OK). */
  publish(event: NostrEvent): Promise<Acknowledgement>;
  /** Closes the connection; never fails. */
  close(): Promise<void>;
}

const CONVERSATION_TIMEOUT_SECONDS = 10;
/** A relay that answers each question in its last second may not take the minute that a function has. */
const CONVERSATION_SECONDS_MAX = 45;
/** For one frame: more than any relay's own limit for an event. */
export const PAYLOAD_BYTES_MAX = 4_194_304;

/** Where a relay is reached, and the virtual relay to ask for where the url does not name it. */
export interface RelayEndpoint {
  url: string;
  hostHeader?: string;
  /** Reaches it in another way than over WebSocket, for a relay that is no program. */
  connect?(): Promise<NostrClient>;
}

/**
 * Connects, signs in by NIP-42 (with a key of the moment, unless one is given), does the work and closes, whatever happens.
 * All of it together ends within 45 seconds.
 *
 * @throws Error as `connect`, `authenticate` and the work do
 */
export async function withRelay<T>(
  endpoint: RelayEndpoint,
  work: (client: NostrClient) => Promise<T>,
  {
    secretKey,
    timeoutSeconds = CONVERSATION_TIMEOUT_SECONDS,
    conversationSecondsMax = CONVERSATION_SECONDS_MAX,
  }: { secretKey?: Uint8Array; timeoutSeconds?: number; conversationSecondsMax?: number } = {},
): Promise<T> {
  const { connect: connectOtherwise, ...address } = endpoint;
  const client = await (connectOtherwise
    ? connectOtherwise()
    : connect({ ...address, timeoutSeconds, maxPayloadBytes: PAYLOAD_BYTES_MAX, conversationSecondsMax }));
  try {
    await client.authenticate(secretKey);
    return await work(client);
  } finally {
    await client.close();
  }
}

/**
 * Connects to a Nostr relay. Every operation ends within `timeoutSeconds`: with its result, or with an Error that says the
 * url and what was seen. A frame that no relay should send ends the connection, and with it every operation under way.
 *
 * @throws Error when the relay cannot be reached, or answers the handshake with another HTTP status than 101
 */
export async function connect(options: NostrClientOptions): Promise<NostrClient> {
  const { url, hostHeader, maxPayloadBytes } = options;
  const frames = await FrameExchange.open(options);
  let queries = 0;

  return {
    async authenticate(secretKey = generateSecretKey()) {
      const challenge = frames.challenge ?? (await frames.exchange('sent no AUTH challenge', undefined, readChallenge));
      // The relay compares this tag with the name by which it is known outside, which is the Host header.
      const relay = hostHeader === undefined ? url : `wss://${hostHeader}`;
      const event = finalizeEvent(makeAuthEvent(relay, challenge), secretKey);
      const answer = await frames.exchange('did not answer AUTH', ['AUTH', event], acknowledgementOf(event.id));
      if (!answer.accepted) throw new Error(`${url} refused the authentication: ${answer.message}`);
      return getPublicKey(secretKey);
    },

    async query(filter) {
      queries += 1;
      const subscription = `q${queries}`;
      const reader = answerTo(subscription, url, ANSWER_FRAMES_MAX * maxPayloadBytes);
      try {
        return await frames.exchange('sent no EOSE', ['REQ', subscription, filter], reader);
      } finally {
        frames.send(['CLOSE', subscription]);
      }
    },

    publish: (event) => frames.exchange('did not answer EVENT', ['EVENT', event], acknowledgementOf(event.id)),
    close: () => frames.close(),
  };
}

const readChallenge: Reader<string> = ([verb, challenge]) =>
  verb === 'AUTH' ? { result: challenge as string } : undefined;

function acknowledgementOf(id: string): Reader<Acknowledgement> {
  return ([verb, about, accepted, message]) => {
    if (verb !== 'OK' || about !== id) return undefined;
    return { result: { accepted: accepted === true, message: said(message ?? '') } };
  };
}

function answerTo(subscription: string, url: string, bytesMax: number): Reader<unknown[]> {
  const events: unknown[] = [];
  let bytesSeen = 0;
  return ([verb, about, content], weightBytes) => {
    if (about !== subscription) return undefined;
    if (verb === 'EOSE') return { result: events };
    if (verb === 'CLOSED') throw new Error(`${url} closed the query: ${said(content)}`);
    if (verb !== 'EVENT') return undefined;
    bytesSeen += weightBytes;
    if (bytesSeen > bytesMax) throw new Error(`${url} answered one query with more than ${bytesMax} bytes of memory.`);
    events.push(content);
    return {};
  };
}
