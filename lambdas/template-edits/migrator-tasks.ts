import type { JsonObject } from '../../statemachine/asl.ts';
import type { AddRdsSettings } from './add-rds.ts';
import { isObject } from './document.ts';
import { servesFromSqlite } from './parts.ts';
import { checkNames, type EditedTemplate } from './splice.ts';

const ref = (name: string): JsonObject => ({ Ref: name });

/**
 * A task definition of the migrator (runbook step 4), with the roles, the volume and the log group of the relay. The way back
 * has one of its own: no other task of the migrator may write to the file system.
 */
export function migratorTask(
  settings: AddRdsSettings,
  purpose: 'migration' | 'rollback',
): { logicalId: string; comment: string; model(template: EditedTemplate): JsonObject } {
  const { names } = settings;
  return purpose === 'migration'
    ? {
        logicalId: names.migrationTaskDefinition,
        comment: 'Run once by hand or by the state machine; never a service.',
        model: (template) => modelOf(template, settings, { name: 'migrate', readOnly: true }),
      }
    : {
        logicalId: names.rollbackTaskDefinition,
        comment: 'The way back alone: no other task of the migrator may write to the file system.',
        model: (template) => modelOf(template, settings, { name: 'rollback', readOnly: false }),
      };
}

function modelOf(
  template: EditedTemplate,
  { names, migrationTask, dataDirectory, sqliteFile }: AddRdsSettings,
  { name, readOnly }: { name: string; readOnly: boolean },
): JsonObject {
  const { cpuUnits, memoryMebibytes, ephemeralStorageGibibytes } = migrationTask;
  return {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: {
      Family: { 'Fn::Sub': `\${AWS::StackName}-${name}` },
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      Cpu: String(cpuUnits),
      Memory: String(memoryMebibytes),
      ...(ephemeralStorageGibibytes !== undefined && {
        EphemeralStorage: { SizeInGiB: ephemeralStorageGibibytes },
      }),
      ExecutionRoleArn: { 'Fn::GetAtt': [names.executionRole, 'Arn'] },
      TaskRoleArn: { 'Fn::GetAtt': [names.taskRole, 'Arn'] },
      Volumes: [relayVolume(template, names)],
      ContainerDefinitions: [
        {
          Name: names.migrationContainer,
          Image: ref(names.migratorImageParameter),
          Essential: true,
          Environment: [{ Name: 'SQLITE_PATH', Value: `${dataDirectory}/${sqliteFile}` }],
          Secrets: [{ Name: names.databaseUrlVariable, ValueFrom: ref(names.databaseUrlSecret) }],
          MountPoints: [{ SourceVolume: names.volume, ContainerPath: dataDirectory, ReadOnly: readOnly }],
          LogConfiguration: {
            LogDriver: 'awslogs',
            Options: {
              'awslogs-group': ref(names.logGroup),
              'awslogs-region': ref('AWS::Region'),
              'awslogs-stream-prefix': name,
            },
          },
        },
      ],
    },
  };
}

/** The very volume that the relay mounts. Once it is switched it has none, and then it is made of the file system's names. */
function relayVolume(template: EditedTemplate, names: AddRdsSettings['names']): JsonObject {
  const properties = template.model.Resources[names.taskDefinition]?.Properties;
  const volumes = isObject(properties) && Array.isArray(properties.Volumes) ? properties.Volumes : [];
  const found = volumes.find((volume): volume is JsonObject => isObject(volume) && volume.Name === names.volume);
  if (found !== undefined) return found;
  if (servesFromSqlite(template, names)) {
    throw template.refuse(
      `${names.taskDefinition} has no volume ${names.volume}`,
      'the volume with the SQLite file',
      checkNames,
    );
  }
  return {
    Name: names.volume,
    EFSVolumeConfiguration: {
      FilesystemId: ref(names.fileSystem),
      TransitEncryption: 'ENABLED',
      AuthorizationConfig: { AccessPointId: ref(names.accessPoint), IAM: 'ENABLED' },
    },
  };
}
