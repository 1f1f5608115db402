import type { CompletedCommand } from './command-tree.ts';

/** Completion for PowerShell 5 and later, with what each word means beside it. */
export function powershellCompletion(tree: CompletedCommand[]): string {
  const entries = tree.map(({ path, commands, options, argument }) => {
    const words = [...commands, ...argument.map((word) => ({ word, says: word }))];
    const values = options.flatMap(({ word, value }) =>
      Array.isArray(value) ? [`${quoted(word)} = @(${value.map(quoted).join(', ')})`] : [],
    );
    const taking = options.flatMap(({ word, value }) => (value === null ? [] : [quoted(word)]));
    return `    ${quoted(path.join(' '))} = @{
      Words = ${pairs(words)}
      Flags = ${pairs(options)}
      Taking = @(${taking.join(', ')})
      Values = @{ ${values.join('; ')} }
    }`;
  });
  return `# PowerShell completion of relay-cutover, made by: relay-cutover completion powershell

Register-ArgumentCompleter -Native -CommandName relay-cutover -ScriptBlock {
  param($current, $line, $position)
  $tree = @{
${entries.join('\n')}
  }
  $path = ''
  $flag = ''
  $typed = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { $_.ToString() })
  foreach ($word in $typed) {
    $next = "$path $word".Trim()
    if ($flag) { $flag = '' }
    elseif ($word.StartsWith('-')) { if ($tree[$path].Taking -ccontains $word) { $flag = $word } }
    elseif ($tree.ContainsKey($next)) { $path = $next }
  }
  $here = $tree[$path]
  if ($flag) { $found = @($here.Values[$flag] | Where-Object { $_ } | ForEach-Object { , @($_, $_) }) }
  elseif ("$current".StartsWith('-')) { $found = $here.Flags }
  else { $found = $here.Words }
  $found | Where-Object { $_ -and $_[0].StartsWith("$current") } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`;
}

/** Pairs of word and text. The commas keep a list of one pair a list. */
function pairs(words: { word: string; says: string }[]): string {
  return `@(${words.map(({ word, says }) => `, @(${quoted(word)}, ${quoted(says || word)})`).join('; ')})`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
