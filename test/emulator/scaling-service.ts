import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Stands for Application Auto Scaling, which the emulator does not have, in an account where nothing is scaled: the one
 * call that the preflight of `prepare` makes is answered, and any other with an error.
 */
export async function startScalingService(): Promise<{ endpoint: string; stop(): void }> {
  const server = createServer((request, response) => {
    const isKnown = request.headers['x-amz-target'] === 'AnyScaleFrontendService.DescribeScalableTargets';
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isKnown ? { ScalableTargets: [] } : { __type: 'UnknownOperationException' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { endpoint: `http://127.0.0.1:${port}`, stop: () => void server.close() };
}
