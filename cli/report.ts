import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import { printable } from '../migrator/printable.ts';
import { type ExecutionAudit, readExecution } from '../report/execution-audit.ts';
import { precedingExecution, readStory } from '../report/related-executions.ts';
import { reportOf } from '../report/report.ts';
import { Refused } from '../statemachine/errors.ts';
import { type Cloud, type CloudOptions, type DeployedStack, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { EXECUTION_ARGUMENT, findExecution, newestExecutions, openStepFunctions } from './find-execution.ts';
import { reportText, writeReportFile } from './report-file.ts';
import { type FetchedReport, fetchStoredReport } from './stored-report.ts';

interface ReportOptions extends CloudOptions {
  out?: string;
  force?: true;
  stored?: true;
}

/** So many of the newest executions of `restore` are looked at for those that an execution set off. */
const RESTORES_LOOKED_AT = 20;

export function reportCommand(program: Command): Command {
  return cloudCommand(program, 'report', {
    summary: 'one HTML page of an execution, or the same as JSON',
    description:
      'Writes what an execution did as one HTML page that needs nothing beside it: the verdict, the write stop, every table with its digests, the timeline, the changes of the template. What the execution set off (restore) is in it. Without an argument: the newest cutover.',
    json: 'print the report as JSON (docs/report.schema.json) in place of writing the page',
    notes: `Exit codes: 0 written, 1 AWS could not be asked, 2 there is no such execution, or the file is there already

Examples:
  relay-cutover report
  relay-cutover report rollback --out rollback.html
  relay-cutover report cutover-20261128T020000Z --json > report.json
  relay-cutover report cutover-20261128T020000Z --stored`,
  })
    .argument('[execution]', EXECUTION_ARGUMENT)
    .option('--out <file>', 'where the page goes (default: <machine>-<name>.html in the working directory)')
    .option('--force', 'overwrite a file that differs')
    .option(
      '--stored',
      "the report that was stored at the execution's end: Step Functions forgets an execution after 90 days, the bucket does not",
    )
    .action((text: string | undefined, options: ReportOptions) =>
      inCloud(options, async (cloud) => {
        if (options.json && options.out !== undefined)
          throw new Refused('--json prints the report, and --out writes the page. Say one of them.');
        const deployed = await findDeployed(cloud);
        const { machine, name, data, page } = await (options.stored ? fetchStoredReport : freshReport)(
          cloud,
          deployed,
          text,
        );
        if (options.json) {
          printJson(data());
          return 0;
        }
        const file = options.out ?? `${machine}-${name}.html`.replaceAll(/[^\w.-]/g, '-');
        writeReportFile(file, page(), options.force);
        process.stdout.write(`${printable(`The report of ${name} of ${machine} is in ${file}`)}\n`);
        return 0;
      }),
    );
}

async function freshReport(cloud: Cloud, deployed: DeployedStack, text: string | undefined): Promise<FetchedReport> {
  const client = await openStepFunctions(cloud);
  const { arn, machine, name } = await findExecution(client, cloud, deployed, text, ['cutover']).catch((error) => {
    throw error instanceof Refused ? saysWhereToLook(error, text) : error;
  });
  const read = (one: string): Promise<ExecutionAudit> => readExecution(client, one, cloud.settings.stackName);
  const [asked, ...before] = await readStory(read, arn);
  const report = reportOf([asked, ...before, ...(await setOff(client, cloud, deployed, asked, read))]);
  return { machine, name, data: () => report, page: () => reportText(report, '.html') };
}

function saysWhereToLook(error: Refused, text: string | undefined): Refused {
  return new Refused(
    `${error.message} Step Functions forgets an execution 90 days after its end; its report may be stored: relay-cutover report ${text ?? '<execution>'} --stored`,
    { cause: error },
  );
}

/** The executions of `restore` that the rule started for an execution. */
async function setOff(
  client: SFNClient,
  { settings: { stackName } }: Cloud,
  deployed: DeployedStack,
  { machine, arn, startedAt }: ExecutionAudit,
  read: (arn: string) => Promise<ExecutionAudit>,
): Promise<ExecutionAudit[]> {
  if (machine !== 'cutover' && machine !== 'rollback') return [];
  const newest = await newestExecutions(client, deployed, stackName, ['restore'], RESTORES_LOOKED_AT);
  const later = newest.filter((one) => one.startedAt.getTime() >= Date.parse(startedAt));
  const audits: ExecutionAudit[] = [];
  for (const one of later) audits.push(await read(one.arn));
  return audits.filter((audit) => precedingExecution(audit) === arn);
}
