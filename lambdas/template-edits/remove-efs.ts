import { isMap } from 'yaml';
import type { Names } from '../../statemachine/settings.ts';
import type { TemplateEdit } from './apply.ts';
import { containerOf, edit, namedItem, removeNamed, setDefault } from './parts.ts';
import { removeRecord } from './record.ts';
import { type EditedTemplate, listOf, pairOf, removePair } from './splice.ts';

/**
 * Takes SQLite's home out of the template (runbook step 6), and what can only be with it: the tasks of the migrator and what
 * `back` would have needed. In an order in which nothing refers to what has gone.
 * The edits throw Refused on a template that is not switched.
 */
export function removeEfsEdits(names: Names): TemplateEdit[] {
  const resources = [
    ...[names.migrationTaskDefinition, names.rollbackTaskDefinition],
    ...[...names.mountTargets, names.accessPoint, names.fileSystem, names.fileSystemSecurityGroup],
  ];
  return [
    edit('Forget what the switch took out', '6', (template) => {
      assertSwitched(template, names);
      return removeRecord(template.text);
    }),
    edit(`Remove the output ${names.fileSystemOutput}`, '6', (template) =>
      removeFrom(template, 'Outputs', names.fileSystemOutput),
    ),
    edit(`Remove the policy ${names.fileSystemPolicy} from ${names.taskRole}`, '6', (template) =>
      removePolicy(template, names),
    ),
    ...resources.map((logicalId) =>
      edit(`Remove the resource ${logicalId}`, '6', (template) => removeFrom(template, 'Resources', logicalId)),
    ),
    edit(`Remove the parameter ${names.migratorImageParameter}`, '6', (template) =>
      removeFrom(template, 'Parameters', names.migratorImageParameter),
    ),
  ];
}

/**
 * What the machine `finalize` does to the template: the same, and the default of the image where that has to be set.
 *
 * @param image the default of the image parameter; null leaves the one that is there
 */
export function finalizeEdits(names: Names, image: string | null): TemplateEdit[] {
  if (image === null) return removeEfsEdits(names);
  return [
    ...removeEfsEdits(names),
    edit(`Set the default of ${names.imageParameter} to the image of the relay on PostgreSQL`, '6', (template) =>
      setDefault(template, names.imageParameter, image),
    ),
  ];
}

function assertSwitched(template: EditedTemplate, names: Names): void {
  const container = containerOf(template, names.taskDefinition, names.container);
  const isOnSqlite = namedItem(listOf(template, container, 'Environment'), names.dataVariable) !== undefined;
  if (!isOnSqlite && pairOf(container, 'MountPoints') === undefined) return;
  throw template.refuse(
    `the container ${names.container} still serves from SQLite`,
    'the template of the relay on PostgreSQL',
    'Make the cutover first',
  );
}

function removePolicy(template: EditedTemplate, { taskRole, fileSystemPolicy }: Names): string {
  const properties = template.document.getIn(['Resources', taskRole, 'Properties'], true);
  return isMap(properties)
    ? removeNamed(template, properties, 'Policies', fileSystemPolicy, 'PolicyName')
    : template.text;
}

function removeFrom(template: EditedTemplate, section: 'Parameters' | 'Resources' | 'Outputs', name: string): string {
  const map = template.document.getIn([section], true);
  return isMap(map) ? removePair(template, map, name, { apart: true }) : template.text;
}
