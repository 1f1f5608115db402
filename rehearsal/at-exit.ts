const actions = new Set<() => void>();

/**
 * Has something done when this process ends by itself, as by a second Ctrl-C, without its orderly way out. Nothing may wait
 * then. What a SIGKILL leaves behind is the reaper's (reaper.ts). One listener does it for all: many rehearsals side by side
 * have many programs, and Node takes more than ten listeners for a leak.
 *
 * @returns a function that takes it back, once the orderly way out has done it
 */
export function atExit(action: () => void): () => void {
  if (actions.size === 0) process.on('exit', doAll);
  actions.add(action);
  return () => {
    if (actions.delete(action) && actions.size === 0) process.off('exit', doAll);
  };
}

/** The last first, as the orderly way out has it: a directory goes after the programs that write into it. */
function doAll(): void {
  for (const action of [...actions].reverse()) {
    try {
      action();
    } catch (error) {
      // The others have to be done all the same.
      process.stderr.write(`At the end of the process: ${error}\n`);
    }
  }
}
