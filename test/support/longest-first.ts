import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * The files that take longest, longest first. A run that knows nothing of an earlier one begins with the files that have most
 * bytes, which says nothing of these: one that comes last keeps one core busy while the other has nothing left to do.
 */
const LONGEST = [
  'test/rehearsal/command.test.ts',
  'test/rehearsal/way-back-states.test.ts',
  'test/rehearsal/faults.test.ts',
  'test/migrator/kill.test.ts',
  'test/rehearsal/rollback.test.ts',
  'test/rehearsal/each-state.test.ts',
  'test/report/page.test.ts',
  'test/rehearsal/redriven-late.test.ts',
  'test/migrator/reverse-kill.test.ts',
  'test/migrator/lost-connection.test.ts',
  'test/rehearsal/finalize.test.ts',
  'test/migrator/cases.test.ts',
];

/** Begins with what takes longest; the others follow in vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const gone = LONGEST.filter((file) => !existsSync(join(root, file)));
    if (gone.length > 0) throw new Error(`test/support/longest-first.ts names what is not there: ${gone.join(', ')}`);
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.indexOf(relative(root, moduleId));
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(specifications)).sort((one, other) => place(one) - place(other));
  }
}
