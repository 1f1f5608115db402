import { parseExecutionArn } from '../report/execution-audit.ts';
import { storedReportKeys } from '../report/stored-report.ts';
import { Refused } from '../statemachine/errors.ts';
import { MACHINE_NAMES, type MachineName } from '../statemachine/machine-names.ts';
import type { Cloud, DeployedStack } from './cloud.ts';
import { findExecution, openStepFunctions } from './find-execution.ts';

/** A report of one execution, as data and as a page. */
export interface FetchedReport {
  machine: string;
  name: string;
  data(): unknown;
  page(): string;
}

/**
 * Fetches the report that was stored when an execution ended. By its name or ARN it is found also when Step Functions does not
 * know the execution any more.
 *
 * @throws Refused when there is none, or none is named and Step Functions knows no execution
 */
export async function fetchStoredReport(
  cloud: Cloud,
  deployed: DeployedStack,
  text: string | undefined,
): Promise<FetchedReport> {
  const { stackName } = cloud.settings;
  const places = await placesOf(cloud, deployed, text);
  const get = await openBucket(cloud, deployed.artefactBucket);
  for (const { machine, name } of places) {
    const keys = storedReportKeys(stackName, machine, name);
    const page = await get(keys.page);
    if (page === undefined) continue;
    const data = await get(keys.data);
    return { machine, name, page: () => page, data: () => JSON.parse(data ?? 'null') as unknown };
  }
  const looked = places.map(({ machine, name }) => storedReportKeys(stackName, machine, name).page);
  throw new Refused(
    `There is no stored report in the bucket ${deployed.artefactBucket}: looked for ${looked.join(', ')}. One is stored when an execution ends; name the execution, or leave --stored out while Step Functions knows it.`,
  );
}

interface Place {
  machine: string;
  name: string;
}

async function placesOf(cloud: Cloud, deployed: DeployedStack, text: string | undefined): Promise<Place[]> {
  const arn = text === undefined ? null : parseExecutionArn(text);
  const prefix = `${cloud.settings.stackName}-`;
  if (arn?.stateMachineName.startsWith(prefix))
    return [{ machine: arn.stateMachineName.slice(prefix.length), name: arn.name }];
  // The newest one only Step Functions knows.
  if (text === undefined || (MACHINE_NAMES as readonly string[]).includes(text)) {
    const among: MachineName[] = text === undefined ? ['cutover'] : [text as MachineName];
    const found = await findExecution(await openStepFunctions(cloud), cloud, deployed, text, among);
    return [{ machine: found.machine, name: found.name }];
  }
  return MACHINE_NAMES.map((machine) => ({ machine, name: text }));
}

/** Gets a text by its key; undefined where there is none. */
async function openBucket(
  { client: configuration }: Cloud,
  bucket: string,
): Promise<(key: string) => Promise<string | undefined>> {
  // Loaded on demand: no other command needs it.
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client(configuration);
  return async (key) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return await Body?.transformToString('utf-8');
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw error;
    }
  };
}
