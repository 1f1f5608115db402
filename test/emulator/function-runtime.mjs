/**
 * Runs a function's bundle by the Lambda Runtime API. The emulator's own Node runtime tells no error names, and the
 * machines live by them; a custom runtime's it hands on. This file stands where `provided.al2023` expects a bootstrap.
 *
 * Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const post = (path, value) =>
  fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value ?? null),
  });
/** As Lambda's own runtime for Node reports it. */
const reportOf = (error) => ({
  errorType: error?.name ?? 'Error',
  errorMessage: String(error?.message ?? error),
  trace: String(error?.stack ?? '').split('\n'),
});

let handler;
try {
  const [file, name] = _HANDLER.split('.');
  handler = createRequire(import.meta.url)(join(LAMBDA_TASK_ROOT, `${file}.js`))[name];
} catch (error) {
  await post('/init/error', reportOf(error));
  process.exit(1);
}

for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  // The environment is taken down.
  if (!next.ok) process.exit(0);
  const id = next.headers.get('lambda-runtime-aws-request-id');
  try {
    await post(`/invocation/${id}/response`, await handler(await next.json(), { awsRequestId: id }));
  } catch (error) {
    await post(`/invocation/${id}/error`, reportOf(error));
  }
}
