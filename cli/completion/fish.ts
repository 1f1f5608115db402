import type { CompletedCommand, CompletedOption } from './command-tree.ts';

/** Completion for fish, with what each word means beside it. */
export function fishCompletion(tree: CompletedCommand[]): string {
  const paths = tree.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  const lines = tree.flatMap((command) => {
    const at = `-n ${quoted(`__relay_cutover_at ${command.path.join(' ')}`.trim())}`;
    // Names of files are no commands; where a command has words of its own, they alone are offered.
    const words = [...command.commands, ...command.argument.map((word) => ({ word, says: '' }))];
    return [
      ...(words.length > 0 ? [`complete -c relay-cutover ${at} -f`] : []),
      ...words.map(
        ({ word, says }) => `complete -c relay-cutover ${at} -a ${word}${says === '' ? '' : ` -d ${quoted(says)}`}`,
      ),
      ...command.options.map((option) => `complete -c relay-cutover ${at} ${optionOf(option)}`),
    ];
  });
  return `# fish completion of relay-cutover, made by: relay-cutover completion fish

# Whether the command line has come to just this command, and to none below it.
function __relay_cutover_at
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        contains -- (string join ' ' $path $word) ${paths.join(' ')}; and set -a path $word
    end
    test "$path" = "$argv"
end

${lines.join('\n')}
`;
}

function optionOf({ word, says, value }: CompletedOption): string {
  const name = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
  const takes = value === null ? '' : Array.isArray(value) ? ` -x -a ${quoted(value.join(' '))}` : ' -r -F';
  return `${name}${takes} -d ${quoted(says)}`;
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
