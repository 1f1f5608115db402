import { createHandler } from '../lambdas/store-report.ts';
import { auditOf } from './audits.ts';
import { ARTEFACT_BUCKET } from './names.ts';
import type { ObjectStore } from './object-store.ts';
import type { RehearsalObserver } from './stage.ts';
import type { LocalStepFunctions } from './step-functions.ts';

/** The function that the stack calls at the end of every execution, on this machine's Step Functions and S3. */
export function reportStorer(
  stackName: string,
  stepFunctions: () => Pick<LocalStepFunctions, 'started'>,
  { url }: Pick<ObjectStore, 'url'>,
  observer: Pick<RehearsalObserver, 'step'>,
): (executionArn: string) => Promise<void> {
  const handler = createHandler({
    stackName,
    async read(arn) {
      const found = stepFunctions().started.find(({ execution }) => execution.arn === arn);
      if (found) return auditOf(found);
      throw Object.assign(new Error(`Execution Does Not Exist: '${arn}'`), { name: 'ExecutionDoesNotExist' });
    },
    async put(key, body, contentType) {
      const headers = { 'content-type': contentType };
      const { ok, status } = await fetch(`${url}/${ARTEFACT_BUCKET}/${key}`, { method: 'PUT', headers, body });
      if (!ok) throw new Error(`The local S3 answers ${status} to ${key}.`);
    },
  });
  return async (executionArn) => {
    await handler({ detail: { executionArn } }).catch((error: Error) =>
      observer.step(`The report of ${executionArn} was not stored: ${error.message}`),
    );
  };
}
