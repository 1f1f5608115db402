// Puts what `relay-cutover --help` prints into README.md; test/house.test.ts fails where the two differ.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const readme = new URL('../README.md', import.meta.url);
const cli = new URL('../cli/relay-cutover.mjs', import.meta.url).pathname;
let text = readFileSync(readme, 'utf8');
for (const command of [[], ['rehearse'], ['migrate'], ['template'], ['approve'], ['reject']]) {
  const help = execFileSync(process.execPath, [cli, ...command, '--help'], { encoding: 'utf8' }).trimEnd();
  const [usage] = help.split('\n');
  const start = text.indexOf(`\`\`\`\n${usage}`);
  if (start < 0) throw new Error(`README.md has no block that begins with "${usage}".`);
  const end = text.indexOf('\n```', start + 4);
  text = `${text.slice(0, start)}\`\`\`\n${help}${text.slice(end)}`;
}
writeFileSync(readme, text);
