import type { Emulator } from './emulator.ts';

/** One call of a service for which the project has no SDK client; the emulator looks at no signature. */
async function call(
  emulator: Emulator,
  service: string,
  target: string,
  input: object,
): Promise<Record<string, unknown>> {
  const { endpoint, region } = emulator.client;
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  });
  if (!answer.ok) throw new Error(`${target} was answered with ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

export async function secretValue(emulator: Emulator, secretId: string): Promise<string> {
  const { SecretString } = await call(emulator, 'secretsmanager', 'secretsmanager.GetSecretValue', {
    SecretId: secretId,
  });
  return SecretString as string;
}
