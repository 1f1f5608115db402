import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryAsker } from '../../lambdas/preflight/image-registry.ts';
import { cases, hostileJson, hostileText } from '../support/fuzz.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;
const OTHER = `sha256:${'0b'.repeat(32)}`;
interface Answer {
  status: number;
  headers: Record<string, string>;
  token: string;
}
let answer: Answer;
let respond: ((path: string, response: ServerResponse) => void) | undefined;
let base = '';
const asked: string[] = [];
let tried = 0;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path} ${request.headers.authorization ?? ''}`.trim());
    if (respond) return respond(path, response);
    if (path.startsWith('/token')) return void response.end(answer.token);
    response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  console.log(`fuzz: ${tried} answers of registries`);
});

/** What HTTP lets a header have. */
const headerText = hostileText.map((text) => text.replace(/[^\x20-\x7e]/g, '?'));
const challenge = fc.oneof(
  headerText,
  fc
    .tuple(headerText, headerText, headerText)
    .map(([realm, service, scope]) => `Bearer realm="${realm}",service="${service}",scope="${scope}"`),
  fc
    .tuple(headerText, headerText)
    .map(([service, scope]) => `Bearer realm="BASE/token",service="${service}",scope="${scope}"`),
);
const anAnswer: fc.Arbitrary<Answer> = fc.record({
  status: fc.constantFrom(200, 204, 301, 302, 401, 401, 401, 403, 404, 429, 500, 503),
  headers: fc.record(
    {
      'docker-content-digest': fc.oneof(fc.constant(DIGEST), headerText),
      'www-authenticate': challenge,
      location: headerText,
    },
    { requiredKeys: [] },
  ),
  token: fc.oneof(
    hostileText,
    hostileJson.map((value) => JSON.stringify({ token: value })),
    hostileText.map((text) => JSON.stringify({ access_token: text })),
  ),
});

async function ask(image: string) {
  tried += 1;
  asked.length = 0;
  return registryAsker(() => base)(image);
}

describe('the answer of a registry', () => {
  it('that is anything makes an image found, missing or unknown, and never an error', async () => {
    const property = fc.asyncProperty(anAnswer, hostileText, fc.boolean(), async (given, text, isOdd) => {
      respond = undefined;
      answer = { ...given, headers: JSON.parse(JSON.stringify(given.headers).replaceAll('BASE', base)) };
      const said = await ask(isOdd ? `ghcr.io/${text}` : 'ghcr.io/owner/relay:pg');
      expect(['found', 'missing', 'unknown']).toContain(said.status);
      if (said.status === 'found') expect(said.pinned.endsWith(`@${DIGEST}`)).toBe(true);
      else expect(said.reason.length).toBeLessThan(1_000);
    });
    await fc.assert(property, cases(150));
  });

  it('cannot put another image in the place of one that is pinned', async () => {
    respond = (_, response) => void response.writeHead(200, { 'docker-content-digest': OTHER }).end();
    expect(await ask(`ghcr.io/owner/relay@${DIGEST}`)).toEqual({
      status: 'unknown',
      reason: `ghcr.io answered for ghcr.io/owner/relay@${DIGEST} with another digest: ${OTHER}`,
    });
  });

  it.each([
    ['of another kind', 'ftp://example.com/'],
    ['with TLS where the registry has none, and so the other way round', 'https://127.0.0.1:1/'],
    ['in a file', 'file:///etc/passwd'],
    ['that is no URL', 'nowhere'],
  ])('sends nobody to a realm %s', async (_, realm) => {
    respond = (_path, response) =>
      void response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    expect((await ask('ghcr.io/owner/relay:pg')).status).toBe('unknown');
    expect(asked).toEqual(['HEAD /v2/owner/relay/manifests/pg']);
  });

  it('sends nobody on from the realm', async () => {
    respond = (path, response) =>
      path.startsWith('/token')
        ? void response.writeHead(302, { location: `${base}/elsewhere` }).end()
        : void response.writeHead(401, { 'www-authenticate': `Bearer realm="${base}/token"` }).end();
    expect((await ask('ghcr.io/owner/relay:pg')).status).toBe('unknown');
    expect(asked).toEqual(['HEAD /v2/owner/relay/manifests/pg', 'GET /token']);
  });

  it('has no token without end, and none that is no token', async () => {
    let sentBytes = 0;
    respond = (path, response) => {
      if (!path.startsWith('/token'))
        return void response.writeHead(401, { 'www-authenticate': `Bearer realm="${base}/token"` }).end();
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sentBytes += 65_536;
      };
      response.on('drain', more).on('error', () => undefined);
      more();
    };
    expect((await ask('ghcr.io/owner/relay:pg')).status).toBe('unknown');
    expect(sentBytes).toBeLessThan(64_000_000);
    respond = undefined;
    for (const token of ['{"token":"a\\r\\nHost: b"}', '{"token":{"toString":1}}', '[]', '{']) {
      answer = { status: 401, headers: { 'www-authenticate': `Bearer realm="${base}/token"` }, token };
      expect((await ask('ghcr.io/owner/relay:pg')).status).toBe('unknown');
      expect(asked).toEqual(['HEAD /v2/owner/relay/manifests/pg', 'GET /token']);
    }
  });
});
