import type { Command } from 'commander';
import { createProgram } from '../cli/program.ts';

/** As a terminal of the usual width shows it. */
const COLUMNS = 80;

/** What `relay-cutover --help` prints. */
export async function usageOfProgram(): Promise<string> {
  return helpOf(await createProgram());
}

/** docs/usage.md: what `--help` prints for each command, in the order of the program's own help. */
export async function usageDocument(): Promise<string> {
  const program = await createProgram();
  const sections = commandsBelow(program).map(({ path, command }) => {
    const name = [program.name(), ...path].join(' ');
    return `${'#'.repeat(path.length + 1)} ${name}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`;
  });
  return `# Usage

What \`relay-cutover <command> --help\` prints; \`npm run docs\` writes it here.

The exit codes are the same everywhere: 0 good, 1 failed (a repetition may help), 2 refused or bad input (the message says what to do).

${sections.join('\n')}`;
}

/** Every command and those below it, each behind its parent. */
function commandsBelow(parent: Command, path: string[] = []): { path: string[]; command: Command }[] {
  return parent.commands.flatMap((command) => {
    const own = [...path, command.name()];
    return [{ path: own, command }, ...commandsBelow(command, own)];
  });
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (more) => {
      text += more;
    },
    getOutHelpWidth: () => COLUMNS,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trimEnd();
}
