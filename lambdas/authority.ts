import { type AuthorityState, readAuthority, takeAuthority } from '../migrator/authority.ts';
import { type ConnectTarget, connectByIam, withTarget } from './target-database.ts';

export type AuthorityEvent = { action: 'read' } | { action: 'take'; runId: string };

/**
 * Makes the handler that reads who holds the truth, or makes it the target.
 *
 * @throws NotYet while a migrator works on the target, Refused when authority cannot be taken for this run
 */
export function createHandler(dependencies: {
  connect: ConnectTarget;
}): (event: AuthorityEvent) => Promise<AuthorityState> {
  return (event) =>
    withTarget(dependencies.connect, (client) =>
      event.action === 'take' ? takeAuthority(client, event.runId) : readAuthority(client),
    );
}

export const handler = createHandler({ connect: connectByIam(process.env) });
