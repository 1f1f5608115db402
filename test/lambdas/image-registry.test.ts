import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registryAsker } from '../../lambdas/preflight/image-registry.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

/** A registry on this machine; `asked` has the paths, methods and tokens of all requests. */
async function registry(answer: (request: IncomingMessage, response: ServerResponse, base: string) => void) {
  const asked: string[] = [];
  let base = '';
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    answer(request, response, base);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hosts: string[] = [];
  const ask = registryAsker((host) => {
    hosts.push(host);
    return base;
  });
  return { ask, asked, hosts };
}

const found = (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(200, { 'docker-content-digest': DIGEST }).end();

describe('asking a registry for an image', () => {
  it.each([
    ['ghcr.io/owner/relay:pg', 'ghcr.io', '/v2/owner/relay/manifests/pg', 'ghcr.io/owner/relay'],
    ['owner/relay', 'registry-1.docker.io', '/v2/owner/relay/manifests/latest', 'owner/relay'],
    ['postgres:16', 'registry-1.docker.io', '/v2/library/postgres/manifests/16', 'postgres'],
    ['localhost:5000/relay:a', 'localhost:5000', '/v2/relay/manifests/a', 'localhost:5000/relay'],
    [`ghcr.io/owner/relay@${DIGEST}`, 'ghcr.io', `/v2/owner/relay/manifests/${DIGEST}`, 'ghcr.io/owner/relay'],
    [`ghcr.io/owner/relay:pg@${DIGEST}`, 'ghcr.io', `/v2/owner/relay/manifests/${DIGEST}`, 'ghcr.io/owner/relay'],
  ])('knows where %s is, and names it by its digest', async (image, host, path, name) => {
    const { ask, asked, hosts } = await registry(found);
    expect(await ask(image)).toEqual({ status: 'found', pinned: `${name}@${DIGEST}` });
    expect(hosts).toEqual([host]);
    expect(asked).toEqual([`HEAD ${path}`]);
  });

  it('fetches the token that public images are shown for', async () => {
    const { ask, asked } = await registry((request, response, base) => {
      if (request.url?.startsWith('/token')) return void response.end('{"token":"anonymous"}');
      if (request.headers.authorization === 'Bearer anonymous') return found(request, response);
      const challenge = `Bearer realm="${base}/token",service="ghcr.io",scope="repository:owner/relay:pull"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    expect(await ask('ghcr.io/owner/relay:pg')).toEqual({ status: 'found', pinned: `ghcr.io/owner/relay@${DIGEST}` });
    expect(asked).toEqual([
      'HEAD /v2/owner/relay/manifests/pg',
      'GET /token?service=ghcr.io&scope=repository%3Aowner%2Frelay%3Apull',
      'HEAD /v2/owner/relay/manifests/pg Bearer anonymous',
    ]);
  });

  it.each<[string, (response: ServerResponse) => void, object]>([
    [
      '404',
      (response) => response.writeHead(404).end(),
      { status: 'missing', reason: 'ghcr.io has no image ghcr.io/o/r:t' },
    ],
    [
      '403',
      (response) => response.writeHead(403).end(),
      { status: 'unknown', reason: 'ghcr.io shows ghcr.io/o/r:t to nobody without a login' },
    ],
    [
      '401 for a login by name',
      (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
      { status: 'unknown', reason: 'ghcr.io shows ghcr.io/o/r:t to nobody without a login' },
    ],
    [
      '200 without a digest',
      (response) => response.end(),
      { status: 'unknown', reason: 'ghcr.io answered 200 without a digest' },
    ],
    [
      'no answer',
      (response) => void response.destroy(),
      { status: 'unknown', reason: expect.stringMatching(/^ghcr\.io could not be asked: /) },
    ],
  ])('takes %s for what it is', async (_, answer, expected) => {
    const { ask } = await registry((_request, response) => answer(response));
    expect(await ask('ghcr.io/o/r:t')).toEqual(expected);
  });
});
