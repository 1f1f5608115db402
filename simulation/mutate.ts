import { bundleSeeds } from './bundle.ts';
import { MUTATIONS } from './mutations.ts';
import { runSeeds } from './processes.ts';
import { seedsLookingFor } from './seed.ts';

/** A break that is not caught by as many seeds is not caught. */
const SEEDS_MAX = 2_000;

interface MutationOptions {
  only?: string;
  processes: number;
  say(line: string): void;
}

/** Breaks the source in each of the listed ways, and runs seeds until a property tells of it. @returns the exit code */
export async function checkMutations({ only = '', processes, say }: MutationOptions): Promise<number> {
  const chosen = MUTATIONS.filter(({ title }) => title.includes(only));
  if (chosen.length === 0) {
    say(
      `No break of the source has "${only}" in its title. There are: ${MUTATIONS.map(({ title }) => title).join('; ')}.`,
    );
    return 2;
  }
  const missed: string[] = [];
  for (const mutation of chosen) {
    const bundle = await bundleSeeds('mutation', [mutation]);
    let seeds = 0;
    let caught = '';
    try {
      await runSeeds(
        bundle.path,
        seedsLookingFor(mutation.seenAt ?? /./, SEEDS_MAX),
        processes,
        ({ seed, violations: [violation] }) => {
          seeds += 1;
          if (violation) caught = `by "${violation.property}", seed ${seed}`;
          return !violation;
        },
      );
    } finally {
      bundle.remove();
    }
    say(
      `${caught ? 'caught    ' : 'NOT CAUGHT'}  ${mutation.title}: ${caught ? `after ${seeds} seeds ${caught}` : `${seeds} seeds`}`,
    );
    if (!caught) missed.push(mutation.title);
  }
  say(`${chosen.length - missed.length} of ${chosen.length} breaks were caught.`);
  return missed.length > 0 ? 1 : 0;
}
