import { type CompletedCommand, listedValues, placeOf } from './command-tree.ts';

/**
 * Completion for bash from 3.2 on, which is that of macOS. It needs nothing else, starts no program and evaluates nothing that
 * was typed; where it has no word of its own, bash completes names of files.
 */
export function bashCompletion(tree: CompletedCommand[]): string {
  const words = (list: { word: string }[]): string => list.map(({ word }) => word).join(' ');
  const cases = tree.map(
    ({ path, commands, options, argument }) => `    '${placeOf(path)}')
      commands='${words(commands)}' argument='${argument.join(' ')}'
      flags='${words(options)}'
      taking='${words(options.filter(({ value }) => value !== null))}' ;;`,
  );
  const values = listedValues(tree).map(({ place, values }) => `    '${place}') values='${values}' ;;`);
  return `# bash completion of relay-cutover, made by: relay-cutover completion bash

_relay_cutover_command() {
  case "$1" in
${cases.join('\n')}
  esac
}

_relay_cutover_values() {
  case "$1" in
${values.join('\n')}
  esac
}

_relay_cutover() {
  local commands='' argument='' flags='' taking='' values=''
  local path='' flag='' operands=0 word i current="\${COMP_WORDS[COMP_CWORD]}"
  # bash breaks "--flag=value" into three words.
  [[ $current == '=' ]] && current=''
  _relay_cutover_command "$path"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $flag ]]; then
      flag=''
    elif [[ $word == -* ]]; then
      [[ " $taking " == *" $word "* ]] && flag="$word"
    elif [[ $operands == 0 && " $commands " == *" $word "* ]]; then
      path="$path $word"
      _relay_cutover_command "$path"
    else
      operands=$((operands + 1))
    fi
  done
  if [[ -n $flag ]]; then
    _relay_cutover_values "$path $flag"
  elif [[ $current == -* ]]; then
    values="$flags"
  elif [[ $operands == 0 ]]; then
    values="$commands $argument"
  fi
  COMPREPLY=()
  while IFS='' read -r word; do
    [[ -n $word ]] && COMPREPLY+=("$word")
  done < <(compgen -W "$values" -- "$current")
}

complete -o bashdefault -o default -F _relay_cutover relay-cutover
`;
}
