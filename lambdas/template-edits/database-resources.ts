import type { Json, JsonObject } from '../../statemachine/asl.ts';
import type { AddRdsSettings } from './add-rds.ts';
import { isObject } from './document.ts';
import type { EditedTemplate } from './splice.ts';

/** A resource that a template may lack. */
interface AddedResource {
  logicalId: string;
  runbook: string;
  comment?: string;
  /** What it has to be in this template; undefined where the template needs none. */
  model(template: EditedTemplate): JsonObject | undefined;
}

const ref = (name: string): JsonObject => ({ Ref: name });
const sub = (text: string): JsonObject => ({ 'Fn::Sub': text });
const nameTag = (suffix: string): Json => [{ Key: 'Name', Value: sub(`\${AWS::StackName}-${suffix}`) }];

/**
 * The database of runbook step 3, in the order of the runbook, with a generated password in a secret in place of a parameter
 * (step 2), and with the whole URL as a secret, so that no task definition holds a password.
 */
export function databaseResources({ names, database }: AddRdsSettings): AddedResource[] {
  return [
    {
      logicalId: names.databaseSubnetGroup,
      runbook: '3',
      model: () => ({
        Type: 'AWS::RDS::DBSubnetGroup',
        Properties: {
          DBSubnetGroupDescription: 'Subnets for Zooid RDS',
          SubnetIds: names.subnets.map(ref),
        },
      }),
    },
    {
      logicalId: names.databaseSecurityGroup,
      runbook: '3',
      model: () => ({
        Type: 'AWS::EC2::SecurityGroup',
        Properties: {
          GroupDescription: 'Allow PostgreSQL from ECS tasks',
          VpcId: ref(names.vpc),
          SecurityGroupIngress: [
            { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, SourceSecurityGroupId: ref(names.securityGroup) },
          ],
          Tags: nameTag('rds-sg'),
        },
      }),
    },
    {
      logicalId: names.databasePassword,
      runbook: '2',
      comment:
        'RDS refuses / @ " and space in a password, and a URL would need the rest escaped: letters and digits only.',
      model: (template) =>
        passwordText(template, names) === secretString(names.databasePassword)
          ? {
              Type: 'AWS::SecretsManager::Secret',
              // Without it nobody could sign in to the snapshot that the database leaves; of a creation that failed it stays none.
              DeletionPolicy: 'RetainExceptOnCreate',
              UpdateReplacePolicy: 'Retain',
              Properties: {
                Description: "Master password of the relay's database",
                GenerateSecretString: { PasswordLength: 32, ExcludePunctuation: true },
              },
            }
          : undefined,
    },
    {
      logicalId: names.databaseInstance,
      runbook: '3',
      model: () => ({
        Type: 'AWS::RDS::DBInstance',
        DeletionPolicy: 'Snapshot',
        UpdateReplacePolicy: 'Snapshot',
        Properties: {
          DBInstanceIdentifier: sub(`\${AWS::StackName}-db`),
          DBInstanceClass: database.instanceClass,
          Engine: 'postgres',
          EngineVersion: database.engineVersion,
          DBName: database.name,
          MasterUsername: database.username,
          MasterUserPassword: sub(secretString(names.databasePassword)),
          AllocatedStorage: database.storageGigabytes,
          StorageType: 'gp3',
          StorageEncrypted: true,
          VPCSecurityGroups: [ref(names.databaseSecurityGroup)],
          DBSubnetGroupName: ref(names.databaseSubnetGroup),
          PubliclyAccessible: false,
          MultiAZ: false,
          BackupRetentionPeriod: database.backupRetentionDays,
          DeletionProtection: true,
          EnableIAMDatabaseAuthentication: true,
          Tags: nameTag('rds'),
        },
      }),
    },
    {
      logicalId: names.databaseUrlSecret,
      runbook: '5d.2',
      comment: 'The whole URL as one secret, so that no task definition holds a password.',
      model: (template) => ({
        Type: 'AWS::SecretsManager::Secret',
        Properties: {
          Description: 'Where the relay on PostgreSQL finds its database',
          SecretString: sub(databaseUrl(template, names)),
        },
      }),
    },
  ];
}

/** Lets the relay's execution role read the one secret. */
export function databaseUrlAccess(names: AddRdsSettings['names']): JsonObject {
  return {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: names.databaseUrlAccess,
      Roles: [ref(names.executionRole)],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: ref(names.databaseUrlSecret) },
        ],
      },
    },
  };
}

function secretString(name: string): string {
  return `{{resolve:secretsmanager:\${${name}}:SecretString}}`;
}

/**
 * The password as a piece of the text of Fn::Sub: that of an instance which was added by hand, else the generated one. Throws
 * Refused for one in plain text, and for one that RDS manages itself: it changes by itself, and the URL would not follow.
 */
function passwordText(template: EditedTemplate, names: AddRdsSettings['names']): string {
  const instance = template.model.Resources[names.databaseInstance];
  if (instance === undefined) return secretString(names.databasePassword);
  const { MasterUserPassword: password, ManageMasterUserPassword: managed } = propertiesOf(instance);
  const isWrittenOut = typeof password === 'string' && !password.startsWith('{{resolve:');
  const text = managed === undefined && !isWrittenOut ? subText(password ?? null) : undefined;
  if (text !== undefined) return text;
  throw template.refuse(
    `the password of ${names.databaseInstance} is ${managed === undefined ? 'written out, or an expression of another kind' : 'managed by RDS'}`,
    'a parameter with NoEcho, or a secret that does not rotate',
    'Change it in the template, deploy that, and start again',
  );
}

/** A value as a piece of the text of Fn::Sub; undefined where it cannot be one. */
function subText(value: Json): string | undefined {
  if (typeof value === 'string') return value.replaceAll('${', '${!');
  if (!isObject(value)) return undefined;
  if (typeof value.Ref === 'string') return `\${${value.Ref}}`;
  return typeof value['Fn::Sub'] === 'string' ? value['Fn::Sub'] : undefined;
}

/** By what the instance in the template says, which is the one that the migrator will meet. */
function databaseUrl(template: EditedTemplate, names: AddRdsSettings['names']): string {
  const instance = names.databaseInstance;
  const { Engine, DBName, MasterUsername, PubliclyAccessible } = propertiesOf(template.model.Resources[instance]);
  if (Engine !== 'postgres') {
    throw template.refuse(
      `${instance} has the engine ${JSON.stringify(Engine)}`,
      'postgres',
      'Name another database in the settings',
    );
  }
  if (PubliclyAccessible === true || PubliclyAccessible === 'true') {
    throw template.refuse(
      `${instance} is publicly accessible`,
      'a database that only the relay reaches',
      'Set PubliclyAccessible to false, deploy the template, and start again',
    );
  }
  const piece = (key: string, value: Json): string => {
    const text = subText(value);
    if (text !== undefined) return text;
    throw template.refuse(
      `${key} of ${instance} is missing, or an expression of another kind than Ref and Fn::Sub`,
      `${key} in a form that the database URL can take over`,
      'Write it out, deploy the template, and start again',
    );
  };
  const user = piece('MasterUsername', MasterUsername ?? null);
  // Source: RDS API reference, CreateDBInstance: the database that PostgreSQL has where none is named.
  const database = piece('DBName', DBName ?? 'postgres');
  const password = passwordText(template, names);
  return `postgres://${user}:${password}@\${${instance}.Endpoint.Address}:\${${instance}.Endpoint.Port}/${database}?sslmode=require`;
}

function propertiesOf(resource: JsonObject | undefined): JsonObject {
  return isObject(resource?.Properties) ? resource.Properties : {};
}
