import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** One version of an object; its content is a file of that name. */
export interface StoredVersion {
  versionId: string;
  bytes: number;
  sha256: string;
}

/** An S3 with versioning, as far as one program puts objects and gets them back. */
export interface ObjectStore {
  /** Where the AWS SDK finds it, as `AWS_ENDPOINT_URL_S3`. */
  url: string;
  /** Versions by `bucket/key`, oldest first. */
  objects: ReadonlyMap<string, StoredVersion[]>;
  stop(): Promise<void>;
}

/**
 * Starts an S3 that listens on this machine alone. It knows PutObject, GetObject and HeadObject with the path in the URL, and
 * refuses what comes with a checksum that it does not have. Source: Amazon S3 API reference.
 */
export async function startObjectStore(directory: string): Promise<ObjectStore> {
  await mkdir(directory, { recursive: true });
  const objects = new Map<string, StoredVersion[]>();
  const server = createServer((request, response) => {
    answer(request, response, objects, directory).catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'InternalError', error.message);
    });
  });
  const { port } = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    objects,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: Map<string, StoredVersion[]>,
  directory: string,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const name = decodeURIComponent(url.pathname.slice(1));
  if (request.method === 'PUT') return put(request, response, { name, objects, directory });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(response, 405, 'MethodNotAllowed', `The local S3 does not know ${request.method}.`);
  }
  const versions = objects.get(name) ?? [];
  const wanted = url.searchParams.get('versionId');
  const found = wanted === null ? versions.at(-1) : versions.find(({ versionId }) => versionId === wanted);
  if (!found) return refuse(response, 404, wanted === null ? 'NoSuchKey' : 'NoSuchVersion', `There is no ${name}.`);
  response.writeHead(200, { ...headersOf(found), 'content-length': found.bytes });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(join(directory, found.versionId)), response);
}

async function put(
  request: IncomingMessage,
  response: ServerResponse,
  { name, objects, directory }: { name: string; objects: Map<string, StoredVersion[]>; directory: string },
): Promise<void> {
  const versionId = randomBytes(16).toString('hex');
  const path = join(directory, versionId);
  const sum = createHash('sha256');
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    sum.update(chunk);
    bytes += chunk.length;
  });
  await pipeline(request, createWriteStream(path));
  const digest = sum.digest();
  const said = request.headers['x-amz-checksum-sha256'];
  if (said !== undefined && said !== digest.toString('base64')) {
    await rm(path);
    return refuse(response, 400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
  }
  const version = { versionId, bytes, sha256: digest.toString('hex') };
  objects.set(name, [...(objects.get(name) ?? []), version]);
  response.writeHead(200, headersOf(version)).end();
}

function headersOf({ versionId, sha256 }: StoredVersion): Record<string, string> {
  return {
    etag: `"${sha256.slice(0, 32)}"`,
    'x-amz-version-id': versionId,
    'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
  };
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

function listening(server: Server): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo));
  });
}
