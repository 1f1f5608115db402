import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type ExecutionAudit, readExecution } from '../report/execution-audit.ts';
import { page } from '../report/page.ts';
import { readStory } from '../report/related-executions.ts';
import { reportOf } from '../report/report.ts';
import { storedReportKeys } from '../report/stored-report.ts';
import { Refused } from '../statemachine/errors.ts';

/** What EventBridge tells of an execution that has ended, as far as it is looked at. */
export interface EndingEvent {
  detail: { executionArn: string };
}

export interface StoreReportDependencies {
  stackName: string;
  /** Rejects with `ExecutionDoesNotExist` for what Step Functions has forgotten. */
  read(arn: string): Promise<ExecutionAudit>;
  /** Overwrites what is there. */
  put(key: string, text: string, contentType: string): Promise<void>;
}

/**
 * Makes the handler that stores the report of an execution which has ended, as a page and as JSON. It asks how the execution
 * stands now and not what the event says of it: an event that comes twice, late, or after a redrive stores what is true then.
 *
 * @returns the keys under which it stands
 */
export function createHandler({
  stackName,
  read,
  put,
}: StoreReportDependencies): (event: EndingEvent) => Promise<{ keys: string[] }> {
  return async ({ detail: { executionArn } }) => {
    const audits = await readStory(read, executionArn);
    const [{ machine, name }] = audits;
    const report = reportOf(audits);
    const keys = storedReportKeys(stackName, machine, name);
    await put(keys.data, `${JSON.stringify(report)}\n`, 'application/json');
    await put(keys.page, page(report), 'text/html; charset=utf-8');
    return { keys: [keys.data, keys.page] };
  };
}

let deployed: ((event: EndingEvent) => Promise<{ keys: string[] }>) | undefined;

/** The Lambda entry point; the relay's stack stands in STACK_NAME, the bucket in ARTEFACT_BUCKET. */
export async function handler(event: EndingEvent): Promise<{ keys: string[] }> {
  deployed ??= createHandler(dependenciesIn(process.env));
  return deployed(event);
}

function dependenciesIn({ STACK_NAME, ARTEFACT_BUCKET }: NodeJS.ProcessEnv): StoreReportDependencies {
  if (!STACK_NAME || !ARTEFACT_BUCKET) {
    throw new Refused(
      "The environment variables STACK_NAME and ARTEFACT_BUCKET are not both set. Expected the name of the relay's stack and of the bucket for reports. Deploy the functions again with them.",
    );
  }
  const stepFunctions = new SFNClient({});
  const bucket = new S3Client({});
  return {
    stackName: STACK_NAME,
    read: (arn) => readExecution(stepFunctions, arn, STACK_NAME),
    async put(Key, Body, ContentType) {
      await bucket.send(new PutObjectCommand({ Bucket: ARTEFACT_BUCKET, Key, Body, ContentType }));
    },
  };
}
