import { type RawData, WebSocket } from 'ws';

/** A message of NIP-01: a JSON array that begins with its type. */
export type Frame = [verb: string, ...rest: unknown[]];

/**
 * Looks at one frame on behalf of one operation: undefined when the frame is none of its business, `{}` to go on,
 * `{ result }` when the operation is done. It throws when the frame ends the operation in failure.
 */
export type Reader<T> = (frame: Frame, weightBytes: number) => { result?: T } | undefined;

interface Waiter {
  take(frame: Frame, weightBytes: number): boolean;
  fail(error: Error): void;
}

export interface FrameOptions {
  url: string;
  hostHeader?: string;
  timeoutSeconds: number;
  maxPayloadBytes: number;
  /** For everything from the handshake on; absent for a connection that stands for as long as it is used. */
  conversationSecondsMax?: number;
}

const CLOSE_MILLISECONDS_MAX = 1_000;
/** So many of the largest frames are what one answer may take in memory, about: 64 MiB with frames of 4 MiB. */
export const ANSWER_FRAMES_MAX = 16;
/** One message in more pieces than that is no message of a relay; each piece costs more memory than its bytes. */
const FRAGMENTS_MAX = 4_096;
/** A challenge goes back to the relay in a signed event; those of relays have some dozens of characters. */
const CHALLENGE_CHARACTERS_MAX = 1_024;
/** What a list, an object or one more value in it takes beside its characters, in a heap of V8. */
const VALUE_BYTES = 24;

/**
 * The frames of one WebSocket to a relay, handed to the operations that wait for them. Whatever happens to the connection
 * reaches each of them as an Error that begins with the url, and every operation has a deadline.
 */
export class FrameExchange {
  /** The newest NIP-42 challenge that came. */
  challenge: string | undefined;

  readonly #options: FrameOptions;
  readonly #socket: WebSocket;
  readonly #waiters = new Set<Waiter>();
  /** Event and subscription ids that were sent: an answer that comes after its operation gave up is no fault of the relay. */
  readonly #asked = new Set<unknown>();
  readonly #conversation: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #notice = '';

  private constructor(options: FrameOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.url, {
      maxPayload: options.maxPayloadBytes,
      maxFragments: FRAGMENTS_MAX,
      perMessageDeflate: false,
      ...(options.hostHeader === undefined ? {} : { headers: { Host: options.hostHeader } }),
    });
    const { conversationSecondsMax: secondsMax } = options;
    if (secondsMax !== undefined) {
      const late = () => this.#fail(`was not done with the whole conversation within ${secondsMax} s`);
      this.#conversation = setTimeout(late, secondsMax * 1_000);
    }
    let isOpen = false;
    this.#socket.once('open', () => {
      isOpen = true;
    });
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on('unexpected-response', (_request, { statusCode }) =>
      this.#fail(`answered the WebSocket handshake with HTTP ${statusCode}; expected 101`),
    );
    // An 'error' that nobody hears ends the process, so this listener stays to the end.
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        return this.#fail(`sent a frame of more than ${options.maxPayloadBytes} bytes`);
      }
      if (error.code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') {
        return this.#fail('sent one message in too many pieces');
      }
      // A host whose addresses all fail gives a code and no message.
      this.#fail(`${isOpen ? 'broke the connection' : 'could not be reached'}: ${error.message || error.code}`);
    });
    this.#socket.on('close', (code, reason) =>
      this.#fail(`closed the connection with code ${code}${reason.length > 0 ? `: ${reason}` : ''}`),
    );
  }

  /** @throws Error when the relay is not reached, or answers the handshake with another HTTP status than 101 */
  static async open(options: FrameOptions): Promise<FrameExchange> {
    const frames = new FrameExchange(options);
    try {
      await frames.#wait<void>('did not finish the WebSocket handshake', (waiting) => {
        frames.#socket.once('open', () => waiting.resolve());
        return () => false;
      });
    } catch (error) {
      frames.#socket.terminate();
      throw error;
    }
    return frames;
  }

  /**
   * Sends a frame, where there is one to send, and waits until the reader has its result.
   *
   * @param missing what the relay did not do when the time is over, as in "sent no EOSE"
   */
  exchange<T>(missing: string, frame: Frame | undefined, reader: Reader<T>): Promise<T> {
    return this.#wait<T>(missing, (waiting) => {
      if (frame !== undefined) this.send(frame);
      return (seen, bytes) => {
        try {
          const step = reader(seen, bytes);
          if (step !== undefined && 'result' in step) waiting.resolve(step.result as T);
          return step !== undefined;
        } catch (error) {
          waiting.reject(error as Error);
          return true;
        }
      };
    });
  }

  send(frame: Frame): void {
    const [, subject] = frame;
    this.#asked.add(typeof subject === 'object' ? (subject as { id?: unknown } | null)?.id : subject);
    this.#socket.send(JSON.stringify(frame), () => undefined);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    const isClosed = this.#socket.readyState === WebSocket.CLOSED;
    clearTimeout(this.#conversation);
    this.#failure ??= new Error(`The connection to ${this.#options.url} was closed by this side.`);
    for (const waiter of this.#waiters) waiter.fail(this.#failure);
    if (isClosed) return;
    const impatience = setTimeout(() => this.#socket.terminate(), CLOSE_MILLISECONDS_MAX);
    this.#socket.close(1000);
    await closed;
    clearTimeout(impatience);
  }

  async #wait<T>(
    missing: string,
    begin: (waiting: { resolve(result: T): void; reject(error: Error): void }) => Waiter['take'],
  ): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const { url, timeoutSeconds } = this.#options;
    let waiter: Waiter | undefined;
    let deadline: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const late = () => reject(new Error(`${url} ${missing} within ${timeoutSeconds} s${this.#notice}.`));
        deadline = setTimeout(late, timeoutSeconds * 1_000);
        waiter = { take: begin({ resolve, reject }), fail: reject };
        this.#waiters.add(waiter);
      });
    } finally {
      clearTimeout(deadline);
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }

  /** Runs in a listener, where whatever is thrown ends the process: nothing here may trust what came. */
  #receive(data: RawData, isBinary: boolean): void {
    const { maxPayloadBytes } = this.#options;
    const text = data.toString();
    const weightBytes = weightOf(text);
    if (weightBytes > ANSWER_FRAMES_MAX * maxPayloadBytes) {
      this.#fail(
        `sent a frame of so many lists and values that it takes more than ${ANSWER_FRAMES_MAX} of its largest`,
      );
      return;
    }
    const frame = isBinary ? undefined : parseFrame(text);
    if (frame === undefined) {
      this.#fail(`sent a frame that is no Nostr message: ${excerpt(text)}`);
      return;
    }
    const [verb, subject] = frame;
    if (verb === 'AUTH') {
      if (typeof subject !== 'string' || subject.length > CHALLENGE_CHARACTERS_MAX) {
        const expected = `expected a text of up to ${CHALLENGE_CHARACTERS_MAX} characters`;
        this.#fail(`sent an AUTH challenge that is none: ${said(subject)}; ${expected}`);
        return;
      }
      this.challenge = subject;
    }
    if (verb === 'NOTICE') this.#notice = `; its last notice was: ${said(subject)}`;

    const taken = [...this.#waiters].some((waiter) => waiter.take(frame, weightBytes));
    if (taken || verb === 'AUTH' || verb === 'NOTICE') return;
    if (['EVENT', 'EOSE', 'CLOSED', 'OK'].includes(verb) && this.#asked.has(subject)) return;
    this.#fail(`sent a message that nothing had asked for: ${excerpt(text)}`);
  }

  #fail(what: string): void {
    if (this.#failure !== undefined) return;
    clearTimeout(this.#conversation);
    this.#failure = new Error(`${this.#options.url} ${what}.`);
    for (const waiter of this.#waiters) waiter.fail(this.#failure);
    this.#socket.terminate();
  }
}

function parseFrame(text: string): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return Array.isArray(frame) && typeof frame[0] === 'string' ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}

/** About as much as a text takes in memory once it is parsed: lists without anything in them take fifteen times their characters. */
function weightOf(text: string): number {
  let values = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    // A comma, and what opens a list or an object.
    if (code === 0x2c || code === 0x5b || code === 0x7b) values += 1;
  }
  return Buffer.byteLength(text) + VALUE_BYTES * values;
}

const EXCERPT_CHARACTERS_MAX = 80;
const REASON_CHARACTERS_MAX = 400;

/** What a stranger sent is shown, but never much of it: messages end in the execution's history. */
function excerpt(text: string, charactersMax = EXCERPT_CHARACTERS_MAX): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}... (${text.length} characters)`;
}

/**
 * A part of a frame that should be a text, for a message. It may be anything else: a list that is too deep to be turned into
 * text, or an object with a `toString` of its own.
 */
export function said(value: unknown): string {
  if (typeof value === 'string') return excerpt(value, REASON_CHARACTERS_MAX);
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return `${value}`;
  return Array.isArray(value) ? '(a list)' : '(an object)';
}
