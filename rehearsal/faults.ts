import { quoteIdentifier } from '../migrator/table-kinds.ts';
import { Refused } from '../statemachine/errors.ts';
import type { RehearsalTarget } from './target-database.ts';

export interface Fault {
  name: string;
  title: string;
  /** The state after whose task the harm is done. */
  after: string;
  harm(target: RehearsalTarget): Promise<void>;
  /** How the execution has to end. */
  outcome: 'RolledBack' | 'CutoverComplete';
}

/** Everything that can be made to go wrong on purpose. */
export const FAULTS: Fault[] = [
  {
    name: 'mismatch',
    title: 'a row is altered in PostgreSQL after the copy',
    after: 'RunMigrator',
    async harm(target) {
      const { rows } = await target.query(
        "SELECT table_name FROM cutover.table_progress WHERE table_name LIKE '%\\_\\_events' ORDER BY rows DESC LIMIT 1",
      );
      const table = quoteIdentifier(rows[0].table_name);
      await target.query(
        `UPDATE ${table} SET content = content || '!' WHERE id = (SELECT id FROM ${table} ORDER BY id LIMIT 1)`,
      );
    },
    outcome: 'RolledBack',
  },
];

/** @throws Refused for a name that is not on the list */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault) return fault;
  throw new Refused(`There is no fault "${name}": expected one of ${FAULTS.map((one) => one.name).join(', ')}.`);
}
