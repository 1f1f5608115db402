import { readFile } from 'node:fs/promises';
import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';
import { readTemplate } from './cloudformation/template.ts';

/**
 * Reads a template of the user's and sees to it that it has what a cutover needs, under the names of the settings.
 *
 * @throws Refused when the file cannot be read, is no template, or lacks something: everything that is missing at once
 */
export async function readUserTemplate(path: string, { names }: Settings): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Refused(`The template ${path} cannot be read: ${cause.message}`, { cause });
  });
  let template: ReturnType<typeof readTemplate>;
  try {
    template = readTemplate(text);
  } catch (cause) {
    throw new Refused(`${path} is no CloudFormation template: ${(cause as Error).message}`, { cause });
  }
  const missing = [
    ...[names.imageParameter, names.domainParameter]
      .filter((name) => template.parameters[name] === undefined)
      .map((name) => `the parameter ${name}`),
    ...[
      names.cluster,
      names.service,
      names.taskDefinition,
      names.targetGroup,
      names.fileSystem,
      names.accessPoint,
      names.executionRole,
      names.taskRole,
      names.logGroup,
      names.vpc,
      names.securityGroup,
      ...names.subnets,
    ]
      .filter((name) => template.resources[name] === undefined)
      .map((name) => `the resource ${name}`),
  ];
  if (missing.length === 0) return text;
  throw new Refused(
    `The template ${path} lacks ${missing.join(', ')}. These are the names in the settings; correct them there where the template calls its parts otherwise.`,
  );
}
