import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { atExit } from './at-exit.ts';
import { entrust } from './reaper.ts';

/** What programs start as threads they look for beside themselves, under its own name. */
const THREADS = [new URL('../migrator/reader-thread.ts', import.meta.url)];

const bundled = new Map<string, string>();
let directory: string | undefined;

/**
 * Bundles a TypeScript program into one file that Node starts by itself, from anywhere; each program once in a process,
 * which takes the files away again when it ends. A rehearsal starts such a program again and again, and translating and
 * finding its modules anew took three quarters of what a start costs.
 *
 * @param url of the program's source, `file:`
 * @returns the path of the file
 */
export function bundledProgram(url: URL): string {
  const there = bundled.get(url.href);
  if (there !== undefined) return there;
  const outfile = join(bundleDirectory(), `${bundled.size}-${basename(url.pathname, '.ts')}.mjs`);
  bundle(url, outfile);
  bundled.set(url.href, outfile);
  return outfile;
}

function bundle(url: URL, outfile: string): void {
  buildSync({
    entryPoints: [fileURLToPath(url)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Compiled code cannot be in a bundle, and is not found from where the bundle lies.
    alias: { 'better-sqlite3': import.meta.resolve('better-sqlite3') },
    // pg loads pg-native where it is installed; it is not.
    external: ['file:*', 'pg-native'],
    // pg and ws are CommonJS and require Node's own modules, which an ES module has no `require` for.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
}

function bundleDirectory(): string {
  if (directory !== undefined) return directory;
  const made = mkdtempSync(join(tmpdir(), 'relay-cutover-programs-'));
  entrust({ directory: made });
  atExit(() => rmSync(made, { recursive: true, force: true }));
  for (const thread of THREADS) bundle(thread, join(made, `${basename(thread.pathname, '.ts')}.mjs`));
  directory = made;
  return made;
}
