import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Refused } from '../../statemachine/errors.ts';

/** Where texts are kept that must outlive the execution. `get` gives undefined for a key that is not there. */
export interface ArtefactStore {
  get(key: string): Promise<string | undefined>;
  put(key: string, text: string): Promise<void>;
}

/** Keys of what the stack was before the first edit of an execution. */
export function originalKeys(stackName: string, execution: string): { template: string; parameters: string } {
  const folder = `${stackName}/${execution}`;
  return { template: `${folder}/original-template.yaml`, parameters: `${folder}/original-parameters.json` };
}

/** What the stack was: its template, and the values of its parameters by name. */
export interface KeptOriginal {
  template: string;
  values: Map<string, string>;
}

/**
 * Reads what was kept before the first edit of an execution. The template was kept last: where it is missing, nothing was edited.
 * Throws Refused where its values are gone.
 */
export async function keptOriginal(
  artefacts: ArtefactStore,
  keys: ReturnType<typeof originalKeys>,
): Promise<KeptOriginal | undefined> {
  const template = await artefacts.get(keys.template);
  if (template === undefined) return undefined;
  const values = await artefacts.get(keys.parameters);
  if (values === undefined) {
    throw new Refused(
      `There is no ${keys.parameters} among the artefacts. Expected what was kept before the first edit of this execution. Without it the old template is deployed by hand, from the repository.`,
    );
  }
  return { template, values: new Map(Object.entries(JSON.parse(values) as Record<string, string>)) };
}

/** Keeps artefacts in an S3 bucket. What is there stays: `put` on an existing key changes nothing. */
export function s3Artefacts(client: S3Client, bucket: string): ArtefactStore {
  return {
    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return await Body?.transformToString('utf-8');
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    async put(key, text) {
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, IfNoneMatch: '*' }));
      } catch (error) {
        if (error instanceof Error && error.name === 'PreconditionFailed') return;
        throw error;
      }
    },
  };
}
