import { jsonObject } from '../../report/json-object.ts';

/** What a registry says about an image. A registry that wants a login is not asked further: ECS has its own. */
export type ImageAnswer =
  | { status: 'found'; pinned: string }
  | { status: 'missing'; reason: string }
  | { status: 'unknown'; reason: string };

export type AskRegistry = (image: string) => Promise<ImageAnswer>;

interface ImageName {
  host: string;
  repository: string;
  /** A tag or a digest. */
  reference: string;
  /** The name as it was given, without tag and digest. */
  given: string;
}

const ANSWER_MILLISECONDS_MAX = 5_000;
/** Tokens have some thousands of characters. */
const TOKEN_ANSWER_BYTES_MAX = 65_536;
/** What may stand in a header. Source: RFC 6750, section 2.1. */
const TOKEN = /^[\w.~+/=-]+$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** What an image may be: for one platform or for several, in Docker's form or in OCI's. */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * Asks the registry of an image for its digest, without a login. Source: OCI Distribution Specification, "Pulling manifests"
 * (HEAD /v2/<name>/manifests/<reference>), and the token flow of the Docker registry's documentation.
 *
 * @param base where a registry is reached; another one than HTTPS is for tests
 * @returns the image with its digest in place of the tag, that there is no such image, or why nobody knows
 */
export function registryAsker(base: (host: string) => string = (host) => `https://${host}`): AskRegistry {
  return async (image) => {
    const name = parseImage(image);
    const url = `${base(name.host)}/v2/${name.repository}/manifests/${name.reference}`;
    try {
      let response = await head(url);
      if (response.status === 401) {
        const token = await anonymousToken(response.headers.get('www-authenticate') ?? '', new URL(url).protocol);
        if (token !== undefined) response = await head(url, token);
      }
      return answerOf(image, name, response);
    } catch (error) {
      return { status: 'unknown', reason: `${name.host} could not be asked: ${(error as Error).message}` };
    }
  };
}

function answerOf(image: string, name: ImageName, response: Response): ImageAnswer {
  const digest = response.headers.get('docker-content-digest');
  if (response.ok && digest !== null && DIGEST.test(digest)) {
    // What was asked for by its digest is that, or it is something else.
    if (name.reference.includes(':') && name.reference !== digest) {
      return { status: 'unknown', reason: `${name.host} answered for ${image} with another digest: ${digest}` };
    }
    return { status: 'found', pinned: `${name.given}@${digest}` };
  }
  if (response.status === 404) return { status: 'missing', reason: `${name.host} has no image ${image}` };
  const reason =
    response.status === 401 || response.status === 403
      ? `${name.host} shows ${image} to nobody without a login`
      : `${name.host} answered ${response.status} without a digest`;
  return { status: 'unknown', reason };
}

/** A first part with a dot, a port or `localhost` is a host; without one it is Docker Hub. */
function parseImage(image: string): ImageName {
  const at = image.indexOf('@');
  const digest = at === -1 ? undefined : image.slice(at + 1);
  const tagged = at === -1 ? image : image.slice(0, at);
  const tag = /:([^/:]+)$/.exec(tagged)?.[1];
  const given = tag === undefined ? tagged : tagged.slice(0, -(tag.length + 1));
  const reference = digest ?? tag ?? 'latest';
  const [first = '', ...others] = given.split('/');
  if (others.length > 0 && /[.:]|^localhost$/.test(first)) {
    return { host: first, repository: others.join('/'), reference, given };
  }
  return {
    host: 'registry-1.docker.io',
    repository: others.length === 0 ? `library/${given}` : given,
    reference,
    given,
  };
}

function head(url: string, token?: string): Promise<Response> {
  const headers = { accept: MANIFEST_TYPES, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return fetch(url, { method: 'HEAD', headers, signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX) });
}

/**
 * `Bearer realm="https://...",service="...",scope="..."`: public images are shown to whoever fetches a token there. The realm
 * is a word of the registry: one without TLS could be something within the network that asks, and so could a redirect.
 */
async function anonymousToken(challenge: string, protocol: string): Promise<string | undefined> {
  const parts = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]));
  const realm = parts.get('realm');
  if (!/^bearer /i.test(challenge) || realm === undefined) return undefined;
  const url = new URL(realm);
  if (url.protocol !== protocol) return undefined;
  for (const key of ['service', 'scope']) {
    const value = parts.get(key);
    if (value !== undefined) url.searchParams.set(key, value);
  }
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX) });
  const answer = response.ok ? jsonObject(await textOf(response)) : undefined;
  return [answer?.token, answer?.access_token].find((token) => typeof token === 'string' && TOKEN.test(token)) as
    | string
    | undefined;
}

/** The beginning of an answer's body, and no more of it than a token needs. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > TOKEN_ANSWER_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
