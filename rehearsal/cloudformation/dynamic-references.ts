import { isObject } from '../../lambdas/template-edits/document.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { validationError } from './errors.ts';

/** AWS: "Get a secret from Secrets Manager": id (name or ARN), SecretString, JSON key, version stage, version id. */
const dynamicReference =
  /\{\{resolve:secretsmanager:(arn:[^:}]*:[^:}]*:[^:}]*:[^:}]*:secret:[^:}]+|[^:}]+)(?::SecretString)?([^}]*)\}\}/g;

/**
 * Puts the secrets into a resource's properties, for its provider alone. Throws ValidationError for every other kind of
 * dynamic reference, and for JSON keys and versions.
 */
export async function resolveDynamicReferences(
  properties: JsonObject,
  resolveSecret: (secretId: string) => Promise<string>,
): Promise<JsonObject> {
  const secrets = new Map<string, string>();
  for (const [whole, secretId = '', rest = ''] of JSON.stringify(properties).matchAll(dynamicReference)) {
    if (/[^:]/.test(rest)) throw unknown(whole);
    if (!secrets.has(secretId)) secrets.set(secretId, await resolveSecret(secretId));
  }
  const put = (value: Json): Json => {
    if (typeof value === 'string') {
      const text = value.replace(dynamicReference, (whole, secretId: string) => secrets.get(secretId) ?? whole);
      if (/\{\{resolve:/.test(value) && text === value) throw unknown(value);
      return text;
    }
    if (Array.isArray(value)) return value.map(put);
    return isObject(value) ? putAll(value) : value;
  };
  const putAll = (object: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, put(value)]));
  return putAll(properties);
}

function unknown(reference: string): Error {
  return validationError(
    `Could not parse the dynamic reference in ${reference.slice(0, 200)}: the local CloudFormation knows {{resolve:secretsmanager:<id>:SecretString}} only`,
  );
}
