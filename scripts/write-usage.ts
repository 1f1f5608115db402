// Writes docs/usage.md, and the program's own help into README.md; test/house.test.ts fails where they differ.
import { readFileSync, writeFileSync } from 'node:fs';
import { usageDocument, usageOfProgram } from './usage.ts';

const readme = new URL('../README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');
const start = text.indexOf('```\nUsage: relay-cutover');
if (start < 0) throw new Error('README.md has no block that begins with "Usage: relay-cutover".');
const end = text.indexOf('\n```', start + 4);
writeFileSync(readme, `${text.slice(0, start)}\`\`\`\n${await usageOfProgram()}${text.slice(end)}`);
writeFileSync(new URL('../docs/usage.md', import.meta.url), await usageDocument());
