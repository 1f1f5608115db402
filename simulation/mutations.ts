import type { SourceEdit } from './bundle.ts';

/** One break of the machines or functions, such as a person might make by mistake. */
export interface Mutation extends SourceEdit {
  title: string;
}

export const MUTATIONS: Mutation[] = [
  {
    title: 'authority is taken without a look at who holds it and which run is the newest',
    file: 'migrator/authority.ts',
    find: 'WHERE holder = $3 AND $1 = (SELECT run_id FROM cutover.run ORDER BY started_at DESC LIMIT 1)\n         AND EXISTS',
    replace: 'WHERE holder = $3 AND EXISTS',
  },
];
