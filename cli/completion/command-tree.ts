import type { Argument, Command, Option } from 'commander';
import { MODES } from '../../migrator/configuration.ts';
import { FAULTS } from '../../rehearsal/faults.ts';
import { MACHINE_NAMES } from '../../statemachine/machine-names.ts';

/** A word that can be completed, and what is said beside it where the shell shows that. */
export interface CompletedWord {
  word: string;
  says: string;
}

export interface CompletedOption extends CompletedWord {
  /** Null for one without a value; a list of what it can be; else names of files are as good as anything. */
  value: null | 'file' | string[];
}

/** What can follow one command, `template switch` for example; the path of the program itself is empty. */
export interface CompletedCommand {
  path: string[];
  commands: CompletedWord[];
  options: CompletedOption[];
  /** Of the first argument. */
  argument: string[];
}

/** What options and arguments can be of which commander is told nothing, since the programs behind them say more. */
const KNOWN_OPTIONS: Record<string, string[]> = { '--fault': FAULTS.map(({ name }) => name) };
const KNOWN_ARGUMENTS: Record<string, readonly string[]> = { execution: MACHINE_NAMES, mode: MODES };

/** Everything that can be completed of a program, its commands and theirs. */
export function commandTree(command: Command, path: string[] = []): CompletedCommand[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  return [
    {
      path,
      commands: commands.map((one) => ({ word: one.name(), says: oneLine(one.summary() || one.description()) })),
      options: help.visibleOptions(command).flatMap(optionWords),
      argument: argument === undefined ? [] : argumentValues(argument),
    },
    ...commands
      // The help has no options of its own, and its argument is every command.
      .filter((one) => one.name() !== 'help')
      .flatMap((one) => commandTree(one, [...path, one.name()])),
  ];
}

/** What the options can be that take one of a list, by the command and the option as the shells' scripts write them: ` rehearse --then`. */
export function listedValues(tree: CompletedCommand[]): { place: string; values: string }[] {
  return tree.flatMap(({ path, options }) =>
    options.flatMap(({ word, value }) =>
      Array.isArray(value) ? [{ place: placeOf([...path, word]), values: value.join(' ') }] : [],
    ),
  );
}

/** Words with a space before each. */
export const placeOf = (words: string[]): string => words.map((word) => ` ${word}`).join('');

function optionWords(option: Option): CompletedOption[] {
  const { long, short, description, required, optional, argChoices } = option;
  const value = required || optional ? (argChoices ?? KNOWN_OPTIONS[long ?? ''] ?? 'file') : null;
  return [long, short].flatMap((word) => (word ? [{ word, says: oneLine(description), value }] : []));
}

function argumentValues(argument: Argument): string[] {
  return [...(argument.argChoices ?? KNOWN_ARGUMENTS[argument.name()] ?? [])];
}

/** A shell shows it in one line, and not all of it. */
const oneLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 100);
