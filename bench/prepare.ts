// Makes every file that contenders need, all or those that are named: `prepare.ts <directory> <events> <seed> [names]`. A process of its own, since SQLite works
// synchronously: the one that measures hears Ctrl-C meanwhile, and what this one held in memory is gone with it.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CONTENDERS } from './contenders.ts';
import { runProgram } from './run-program.ts';
import { generateSource } from './source.ts';
import { workFiles } from './work-files.ts';

const BUNDLE = fileURLToPath(new URL('../scripts/bundle-migrator.mjs', import.meta.url));

const [directory, events, seed, names] = process.argv.slice(2) as [string, string, string, string?];
const asked = CONTENDERS.filter(({ name }) => names?.split(',').includes(name) ?? true);
const files = workFiles(directory);
await mkdir(files.scratch);
await runProgram('bundle-migrator.mjs', process.execPath, [BUNDLE, files.migrator]);
generateSource(directory, files.source, Number(events), Number(seed));
const able = [];
for (const contender of asked) if ((await contender.absence?.()) === undefined) able.push(contender);
// Two of them may need the same files.
for (const prepare of new Set(able.map((contender) => contender.prepare))) await prepare?.(files);
