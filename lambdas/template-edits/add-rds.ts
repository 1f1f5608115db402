import { isMap, isScalar, type YAMLMap } from 'yaml';
import type { JsonObject } from '../../statemachine/asl.ts';
import type { Settings } from '../../statemachine/settings.ts';
import type { TemplateEdit } from './apply.ts';
import { databaseResources, databaseUrlAccess } from './database-resources.ts';
import { migratorTask } from './migrator-tasks.ts';
import { edit, namedItem, refersTo } from './parts.ts';
import { addItem, addPair, checkNames, type EditedTemplate, listOf, mapAt, pairOf, replaceValue } from './splice.ts';

/** The settings by which the database and the tasks of the migrator are made. */
export type AddRdsSettings = Pick<
  Settings,
  | 'names'
  | 'migratorImage'
  | 'dataDirectory'
  | 'sqliteFile'
  | 'database'
  | 'migrationTask'
  | 'deregistrationDelaySeconds'
>;

/**
 * What `prepare` does to the template (runbook steps 2 to 4): the relay itself stays as it is. What is there already stays,
 * also the database and the password parameter of a stack whose owner has made step 3 by hand.
 * The edits throw Refused where they cannot be applied.
 */
export function addRdsEdits(settings: AddRdsSettings): TemplateEdit[] {
  const { names } = settings;
  return [
    edit(`Add the parameter ${names.desiredCountParameter}`, '5a', (template) =>
      addParameter(
        template,
        names.desiredCountParameter,
        {
          Type: 'Number',
          Default: 1,
          MinValue: 0,
          MaxValue: 1,
          Description: 'How many relay tasks run; SQLite bears one writer only',
        },
        "A stack update sets the service's count again. As a parameter it stays what the cutover needs at that moment.",
      ),
    ),
    edit(`Add the parameter ${names.migratorImageParameter}`, '4', (template) =>
      addParameter(template, names.migratorImageParameter, {
        Type: 'String',
        Default: settings.migratorImage,
        Description: 'Image of the migrator, which copies SQLite into PostgreSQL',
      }),
    ),
    ...databaseResources(settings).map(({ logicalId, runbook, comment, model }, index, all) =>
      edit(`Add the resource ${logicalId}`, runbook, (template) => {
        const wanted = model(template);
        // Where the runbook puts them, each below the one before it.
        const earlier = all.slice(0, index).map((one) => one.logicalId);
        const below = [...earlier.reverse(), names.accessPoint];
        return wanted === undefined ? template.text : addResource(template, logicalId, wanted, { below, comment });
      }),
    ),
    edit(`Add the resource ${names.databaseUrlAccess}`, '5d.2', (template) =>
      addResource(template, names.databaseUrlAccess, databaseUrlAccess(names), {
        below: [names.executionRole],
        comment: 'Apart from the role, so that the role itself does not change.',
      }),
    ),
    edit('Let roles sign in to the database by IAM', '3', (template) => letRolesSignIn(template, names)),
    ...(['migration', 'rollback'] as const).map((purpose) => {
      const { logicalId, comment, model } = migratorTask(settings, purpose);
      return edit(`Add the task definition ${logicalId}`, '4', (template) =>
        addResource(template, logicalId, model(template), {
          below: [names.migrationTaskDefinition, names.taskDefinition],
          comment,
        }),
      );
    }),
    edit(`Take the desired count of the service from ${names.desiredCountParameter}`, '5a', (template) =>
      takeCountFromParameter(template, names),
    ),
    edit('Shorten the time in which clients may write on during a stop', '5a', (template) =>
      setDeregistrationDelay(template, names.targetGroup, settings.deregistrationDelaySeconds),
    ),
    edit(
      'Keep the file system when it leaves the stack',
      '6',
      (template) => retain(template, names.fileSystem, 'DeletionPolicy'),
      (template) => retain(template, names.fileSystem, 'UpdateReplacePolicy'),
    ),
    edit(`Add the output ${names.databaseEndpointOutput}`, '3', (template) => addOutput(template, names)),
  ];
}

function addParameter(template: EditedTemplate, name: string, model: JsonObject, comment?: string): string {
  const parameters = mapAt(template, ['Parameters']);
  return pairOf(parameters, name) === undefined
    ? addPair(template, parameters, name, model, { comment, apart: true })
    : template.text;
}

/** Below the first of some resources that is there, or at the end. */
function addResource(template: EditedTemplate, logicalId: string, model: JsonObject, placing: Placing): string {
  const resources = mapAt(template, ['Resources']);
  const present = template.model.Resources[logicalId];
  if (present !== undefined) {
    if (present.Type === model.Type) return template.text;
    throw template.refuse(
      `the resource ${logicalId} is of type ${String(present.Type)}`,
      String(model.Type),
      `Call it otherwise, or set another name in the settings`,
    );
  }
  const below = placing.below.find((name) => pairOf(resources, name) !== undefined);
  return addPair(template, resources, logicalId, model, { below, comment: placing.comment, apart: true });
}

interface Placing {
  below: string[];
  comment?: string | undefined;
}

function letRolesSignIn(template: EditedTemplate, { databaseInstance }: Settings['names']): string {
  const properties = mapAt(template, ['Resources', databaseInstance, 'Properties']);
  const key = 'EnableIAMDatabaseAuthentication';
  const current = properties.get(key, true);
  if (current === undefined) return addPair(template, properties, key, true);
  if (isScalar(current) && (current.value === true || current.value === 'true')) return template.text;
  return replaceValue(template, properties, key, true);
}

function takeCountFromParameter(template: EditedTemplate, names: Settings['names']): string {
  const properties = mapAt(template, ['Resources', names.service, 'Properties']);
  const current = properties.get('DesiredCount', true);
  const wanted = { Ref: names.desiredCountParameter };
  if (refersTo(current, names.desiredCountParameter)) return template.text;
  if (current === undefined) return addPair(template, properties, 'DesiredCount', wanted);
  if (!isScalar(current) || String(current.value) !== '1') {
    throw template.refuse(
      `DesiredCount of ${names.service} is ${isScalar(current) ? `"${String(current.value)}"` : 'an expression'}`,
      '1, which is what SQLite bears',
      'Set it to 1, deploy the template, and start again',
    );
  }
  return replaceValue(template, properties, 'DesiredCount', wanted);
}

const DELAY = 'deregistration_delay.timeout_seconds';

function setDeregistrationDelay(template: EditedTemplate, targetGroup: string, seconds: number): string {
  const properties = mapAt(template, ['Resources', targetGroup, 'Properties']);
  const key = 'TargetGroupAttributes';
  const attributes = listOf(template, properties, key);
  const wanted = { Key: DELAY, Value: String(seconds) };
  if (attributes === undefined) return addPair(template, properties, key, [wanted]);
  const current: YAMLMap | undefined = namedItem(attributes, DELAY, 'Key');
  if (current === undefined) return addItem(template, attributes, wanted, WHY_SHORT);
  if (String(current.get('Value')) === wanted.Value) return template.text;
  return replaceValue(template, current, 'Value', wanted.Value);
}

const WHY_SHORT =
  'Clients write on over open WebSockets for as long as this lasts; the default of 300 is most of a write stop.';

/** What another policy says would be undone by nobody, so it is refused and not replaced. */
function retain(
  template: EditedTemplate,
  logicalId: string,
  attribute: 'DeletionPolicy' | 'UpdateReplacePolicy',
): string {
  const resource = mapAt(template, ['Resources', logicalId]);
  const current = resource.get(attribute);
  if (current === 'Retain') return template.text;
  // What CloudFormation does without the attribute may also be written out.
  if (current === 'Delete') return replaceValue(template, resource, attribute, 'Retain');
  if (current !== undefined) {
    throw template.refuse(
      `${attribute} of ${logicalId} is ${String(current)}`,
      'Retain, or nothing',
      `Set it to Retain, deploy the template, and start again`,
    );
  }
  const below = attribute === 'UpdateReplacePolicy' && pairOf(resource, 'DeletionPolicy') ? 'DeletionPolicy' : 'Type';
  return addPair(template, resource, attribute, 'Retain', { below });
}

function addOutput(template: EditedTemplate, names: Settings['names']): string {
  const name = names.databaseEndpointOutput;
  if (name in template.model.Outputs) return template.text;
  if (pairOf(mapAt(template, ['Resources']), names.databaseInstance) === undefined) {
    throw template.refuse(`there is no resource ${names.databaseInstance}`, 'the database', checkNames);
  }
  const model: JsonObject = {
    Description: 'RDS PostgreSQL endpoint',
    Value: { 'Fn::GetAtt': [names.databaseInstance, 'Endpoint.Address'] },
    Export: { Name: { 'Fn::Sub': `\${AWS::StackName}-rds-endpoint` } },
  };
  const { contents } = template.document;
  // A template need have no outputs.
  if (isMap(contents) && pairOf(contents, 'Outputs') === undefined)
    return addPair(template, contents, 'Outputs', { [name]: model }, { apart: true });
  return addPair(template, mapAt(template, ['Outputs']), name, model, { apart: true });
}
