import type { Command } from 'commander';
import type { CloudOptions } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { standardOutput } from './standard-output.ts';

interface PlanOptions extends CloudOptions {
  diff: boolean;
}

export function planCommand(program: Command): Command {
  return cloudCommand(program, 'plan', {
    summary: 'what the machines would do now, and what stands in their way; changes nothing',
    description:
      "Reads the account and prints what prepare, cutover and finalize would do to the relay's stack: edits and changed lines of the template, resources, data, write stop. Then it makes all checks of the machine that is next, with your own permissions, and tells every finding at once.",
    json: 'print the plan as one JSON object',
    notes: `Exit codes: 0 the next machine can be started, 1 AWS could not be asked, 2 a check failed or could not be made (it says why), or the settings are wrong

Examples:
  relay-cutover plan
  relay-cutover plan --no-diff
  relay-cutover plan --profile relay-admin --json > plan.json`,
  })
    .option('--no-diff', 'leave out the changed lines of the template')
    .action((options: PlanOptions) =>
      inCloud(options, async (cloud) => {
        // Loaded on demand: other commands need none of it.
        const [{ planClientsOfAws }, { isReady, planOf }, { planLines }] = await Promise.all([
          import('./plan/clients.ts'),
          import('./plan/plan-of.ts'),
          import('./plan/plan-lines.ts'),
        ]);
        const plan = await planOf(await planClientsOfAws(cloud), cloud);
        if (options.json) {
          printJson({ ...plan, ready: isReady(plan) });
        } else {
          const { colors, columns } = standardOutput();
          const lines = planLines(plan, { columns, colors, difference: options.diff });
          process.stdout.write(lines.map((line) => `${line}\n`).join(''));
        }
        return isReady(plan) ? 0 : 2;
      }),
    );
}
