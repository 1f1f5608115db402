import type pg from 'pg';
import {
  type AuthorityState,
  readAuthority,
  returnAuthority,
  takeAuthority,
  withdrawRuns,
} from '../migrator/authority.ts';
import { type ConnectTarget, connectByIam, type OnTarget, withTarget } from './target-database.ts';

/**
 * - `read` says who holds the truth
 * - `take` makes it the target, for a verified reconcile
 * - `return` makes it the source again, for a verified reverse
 * - `withdraw` makes sure that authority cannot be taken for any run there is
 */
export type AuthorityEvent = { action: 'read' } | { action: 'take' | 'return' | 'withdraw'; runId: string };

const CHANGES: Record<
  Exclude<AuthorityEvent['action'], 'read'>,
  (client: pg.Client, runId: string) => Promise<AuthorityState>
> = { take: takeAuthority, return: returnAuthority, withdraw: withdrawRuns };

/**
 * Makes the handler that reads who holds the truth, or changes it.
 *
 * @returns who holds it then
 * @throws NotYet while a migrator works on the target, Refused when authority cannot be taken or returned for this run
 */
export function createHandler(dependencies: {
  connect: ConnectTarget;
}): (event: AuthorityEvent & OnTarget) => Promise<AuthorityState> {
  return (event) =>
    withTarget(dependencies.connect, event.target, (client) =>
      event.action === 'read' ? readAuthority(client) : CHANGES[event.action](client, event.runId),
    );
}

export const handler = createHandler({ connect: connectByIam(process.env) });
