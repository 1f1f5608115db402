// Writes the migrator as one file, with the one package that cannot be in it, to a directory that runs anywhere with Node:
// `node scripts/bundle-migrator.mjs [directory]`, by default dist/migrator.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const outdir = resolve(process.argv[2] ?? join(root, 'dist/migrator'));

/** The files that a program needs at run time of a package with compiled code, and of what it finds that code with. */
const PACKAGES = {
  'better-sqlite3': ['package.json', 'lib', 'build/Release/better_sqlite3.node'],
  bindings: ['package.json', 'bindings.js'],
  'file-uri-to-path': ['package.json', 'index.js'],
};

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  // The second one is a thread of the first; they find each other in one directory.
  entryPoints: { migrate: 'cli/migrate-program.ts', 'reader-thread': 'migrator/reader-thread.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  sourcesContent: false,
  // pg loads pg-native where it is installed; it is not.
  external: ['better-sqlite3', 'pg-native'],
  // pg is CommonJS and requires Node's own modules, which an ES module has no `require` for.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
});

const require = createRequire(import.meta.url);
for (const [name, files] of Object.entries(PACKAGES)) {
  const directory = dirname(require.resolve(`${name}/package.json`));
  for (const file of files) {
    cpSync(join(directory, file), join(outdir, 'node_modules', name, file), { recursive: true, dereference: true });
  }
}
const programs = Object.entries(metafile.outputs)
  .filter(([file]) => file.endsWith('.mjs'))
  .map(([file, { bytes }]) => `${basename(file)}, ${Math.round(bytes / 1024)} KiB`);
console.log(`Bundled the migrator to ${outdir} (${programs.join('; ')})`);
