import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Refused } from '../statemachine/errors.ts';
import type { ArchivedFile } from './manifest.ts';
import { readThrough } from './scratch-copy.ts';

export interface Bucket {
  /**
   * Puts a file under a key and reads it back whole, with `copyTo` into a file as well.
   *
   * @returns size and digest of what came back, and its version
   * @throws Error when it does not come back as it is; Refused when the bucket says no for good
   */
  keep(path: string, key: string, copyTo?: string): Promise<Omit<ArchivedFile, 'file'>>;
}

/** What S3 answers alike the next time. Source: Amazon S3 API reference, "Error responses". */
const REFUSALS = ['AccessDenied', 'NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'KeyTooLongError'];

/** Opens a bucket; region, role and endpoint come from the SDK's own variables. The SDK is loaded here, since no other mode needs it. */
export async function openBucket(bucket: string): Promise<Bucket> {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  // A checksum is sent with every file by name; the SDK would add another one, in a form of its own.
  const client = new S3Client({
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return {
    async keep(path, key, copyTo) {
      const { bytes, sha256 } = await readThrough(path);
      try {
        const { VersionId: versionId } = await client.send(
          new PutObjectCommand({
            ...{ Bucket: bucket, Key: key, Body: createReadStream(path), ContentLength: bytes },
            // S3 itself refuses what arrives otherwise.
            ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
          }),
        );
        const { Body } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, ...(versionId !== undefined && { VersionId: versionId }) }),
        );
        const back = await drain(Body as Readable, copyTo);
        if (back.sha256 === sha256 && back.bytes === bytes) return { bytes, sha256, versionId: versionId ?? null };
        throw new Error(
          `it came back otherwise, with ${back.bytes} bytes of SHA-256 ${back.sha256}; expected ${bytes} of ${sha256}.`,
        );
      } catch (error) {
        throw asBucketFailure(error as Error, bucket, key);
      }
    },
  };
}

async function drain(body: Readable, copyTo: string | undefined): Promise<{ bytes: number; sha256: string }> {
  const sum = createHash('sha256');
  let bytes = 0;
  const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      sum.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(body, measured, copyTo === undefined ? nowhere : createWriteStream(copyTo));
  return { bytes, sha256: sum.digest('hex') };
}

function asBucketFailure(error: Error, bucket: string, key: string): Error {
  if (!REFUSALS.includes(error.name)) {
    return new Error(`${key} could not be brought to the bucket ${bucket}: ${error.message || error.name} Repeat.`, {
      cause: error,
    });
  }
  return new Refused(
    `S3 refused ${key} in the bucket ${bucket}: ${error.name}, ${error.message}. Expected the role of this task to put and get objects there. Deploy the stack of the cutover again, then repeat.`,
    { cause: error },
  );
}
