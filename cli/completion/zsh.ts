import { type CompletedCommand, type CompletedWord, listedValues, placeOf } from './command-tree.ts';

/** Completion for zsh, with what each word means beside it. */
export function zshCompletion(tree: CompletedCommand[]): string {
  const cases = tree.map(
    ({ path, commands, options, argument }) => `    '${placeOf(path)}')
      commands=(${commands.map(described).join(' ')})
      flags=(${options.map(described).join(' ')})
      taking=(${options.flatMap(({ word, value }) => (value === null ? [] : [word])).join(' ')})
      argument=(${argument.join(' ')}) ;;`,
  );
  const values = listedValues(tree).map(({ place, values }) => `    '${place}') values=(${values}) ;;`);
  return `#compdef relay-cutover
# zsh completion of relay-cutover, made by: relay-cutover completion zsh

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
  local -a commands flags taking argument values
  local route='' flag='' word
  integer operands=0 i
  _relay_cutover_command "$route"
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n $flag ]]; then
      flag=''
    elif [[ $word == -* ]]; then
      (( \${taking[(Ie)$word]} )) && flag="$word"
    elif (( operands == 0 && \${commands[(I)$word:*]} )); then
      route="$route $word"
      _relay_cutover_command "$route"
    else
      (( operands++ ))
    fi
  done
  if [[ -z $flag && \${words[CURRENT]} == --*=* ]]; then
    flag="\${words[CURRENT]%%=*}"
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    _relay_cutover_values "$route $flag"
    if (( $#values )); then compadd -a values; else _files; fi
  elif [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option flags
  elif (( operands == 0 && $#commands + $#argument )); then
    (( $#commands )) && _describe command commands
    (( $#argument )) && compadd -a argument
  else
    _files
  fi
}

# The same file serves in a directory of $fpath and after "source".
if [[ $funcstack[1] == _relay_cutover ]]; then
  _relay_cutover "$@"
else
  compdef _relay_cutover relay-cutover
fi
`;
}

/** A colon ends the word, and what follows is said beside it. */
function described({ word, says }: CompletedWord): string {
  return `'${`${word.replaceAll(':', '\\:')}:${says}`.replaceAll("'", "'\\''")}'`;
}
