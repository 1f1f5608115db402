import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { REMEMBERED, withMemory } from './remembered.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MEMORY = join(ROOT, 'simulation', 'remembered.ts');

/** A deliberate break of the source: the text that is found there, exactly once, becomes another one. */
export interface SourceEdit {
  file: string;
  find: string;
  replace: string;
}

/**
 * Bundles the program that runs seeds into one file, with breaks of the source in it, and with a memory for what takes long
 * (remembered.ts): the files themselves stay as they are.
 *
 * @param name of the file; it lies where the packages are found from
 * @throws Error when a text to be replaced does not stand in its file, or not exactly once
 */
export async function bundleSeeds(name: string, edits: SourceEdit[] = []): Promise<{ path: string; remove(): void }> {
  const directory = join(ROOT, 'node_modules', '.cache', 'relay-cutover-simulation');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}-${process.pid}.mjs`);
  const applied = new Set<SourceEdit>();
  await build({
    entryPoints: [join(ROOT, 'simulation', 'seeds-program.ts')],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    plugins: [editing(edits, applied)],
    // Most of the copies are of a few members, and to copy them takes less than to hand them to what is built in.
    define: { structuredClone: 'copied' },
    inject: [join(ROOT, 'simulation', 'copies.ts')],
    logLevel: 'silent',
  });
  const missed = edits.filter((edit) => !applied.has(edit));
  if (missed.length > 0) throw new Error(`${missed.map(({ file }) => file).join(', ')} is no part of the simulation.`);
  return { path, remove: () => rmSync(path, { force: true }) };
}

function editing(edits: SourceEdit[], applied: Set<SourceEdit>): Plugin {
  return {
    name: 'deliberate breaks, and what is remembered',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(ROOT, path);
        const mine = edits.filter((edit) => edit.file === file);
        if (mine.length === 0 && !REMEMBERED.some((entry) => entry.file === file)) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const edit of mine) {
          const times = contents.split(edit.find).length - 1;
          if (times !== 1)
            throw new Error(`In ${file} this stands ${times} times, and has to stand once: ${edit.find}`);
          contents = contents.replace(edit.find, () => edit.replace);
          applied.add(edit);
        }
        return { contents: withMemory(file, contents, MEMORY), loader: 'ts' };
      });
    },
  };
}
