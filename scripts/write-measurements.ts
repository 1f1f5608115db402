// Puts the kept results of the benchmark into README.md; test/bench/readme.test.ts fails where the two differ.
import { readFileSync, writeFileSync } from 'node:fs';
import { withResults } from '../bench/readme.ts';

const readme = new URL('../README.md', import.meta.url);
writeFileSync(readme, withResults(readFileSync(readme, 'utf8')));
