import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDatabaseUrl } from '../migrator/configuration.ts';
import type { Stage } from './stage.ts';

/** How a person reaches what a rehearsal has left running. The password goes into a file that goes with the rehearsal. */
export async function howToConnect({ world, target, domain, directories }: Stage): Promise<string[]> {
  const address = parseDatabaseUrl(target.url);
  if (typeof address === 'string') throw new Error(address);
  const { host, port, user, database, password } = address;
  const passwordFile = join(directories.scratch, 'pgpass');
  const escaped = [host, String(port), database, user, password].map((part) => part.replace(/[\\:]/g, '\\$&'));
  await writeFile(passwordFile, `${escaped.join(':')}\n`, { mode: 0o600 });
  return [
    'Everything is left running:',
    `  relay       ${world.endpoint.url} with the header "Host: ${domain}", for example`,
    `              npx wscat -c ${world.endpoint.url} -H 'Host: ${domain}'`,
    `  PostgreSQL  PGPASSFILE=${passwordFile} psql -h ${host} -p ${port} -U ${user} ${database}`,
    `  SQLite      ${join(directories.efs, 'db')}`,
    'Press Ctrl-C to end it.',
  ];
}
