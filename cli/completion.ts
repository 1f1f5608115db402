import { Argument, Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { type CompletedCommand, commandTree } from './completion/command-tree.ts';
import { fishCompletion } from './completion/fish.ts';
import { powershellCompletion } from './completion/powershell.ts';
import { zshCompletion } from './completion/zsh.ts';

const SHELLS: Record<string, (tree: CompletedCommand[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
  powershell: powershellCompletion,
};

/** @param whole gives the program with all of its commands */
export function completionCommand(program: Command, whole: () => Promise<Command>): Command {
  return new Command('completion')
    .copyInheritedSettings(program)
    .summary('print a script by which a shell completes commands, options and their values')
    .description(
      'Prints a script by which a shell completes commands, options and their values: faults, machines, modes. It stands for itself: no program runs while you type. After an update print it again.',
    )
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
Exit codes: 0 printed, 2 no such shell

The shell knows the program by the name relay-cutover: "npm link" puts it on the
path. To have the completion in every new shell:

  bash        relay-cutover completion bash > ~/.relay-cutover.bash
              echo 'source ~/.relay-cutover.bash' >> ~/.bashrc
  zsh         relay-cutover completion zsh > ~/.relay-cutover.zsh
              echo 'source ~/.relay-cutover.zsh' >> ~/.zshrc  (after compinit)
  fish        relay-cutover completion fish \\
                > ~/.config/fish/completions/relay-cutover.fish
  PowerShell  relay-cutover completion powershell >> $PROFILE`,
    )
    .action(async (shell: string) => {
      process.stdout.write(SHELLS[shell]?.(commandTree(await whole())) ?? '');
    });
}
