import { z } from 'zod';
import { Refused } from './errors.ts';
import { findingsIn } from './findings.ts';

/**
 * What becomes a part of templates, ARNs, policies, URLs and expressions: no character means something there. An empty text
 * is a finding of its own.
 */
const WORDS = {
  name: { form: /^[\w+=,.@-]*$/, expected: 'letters, digits and any of _ + = , . @ -' },
  stack: { form: /^([A-Za-z][A-Za-z0-9-]{0,127})?$/, expected: 'the name of a stack: letters, digits and hyphens' },
  image: { form: /^[\w./:@+-]*$/, expected: 'an image without spaces, such as ghcr.io/owner/name:tag' },
  role: { form: /^([A-Za-z_]\w{0,62})?$/, expected: 'letters, digits and underscores, 63 at most' },
  path: { form: /^[^\p{C}\p{Zl}\p{Zp}${}]*$/u, expected: 'a path without control characters, $, { and }' },
};
const oneName = z.string().min(1);
const oneWord = (word: keyof typeof WORDS) => {
  const { form, expected } = WORDS[word];
  return oneName.regex(form, `expected ${expected}`);
};
// What a field says of itself stands in the published JSON Schema too.
const name = (value: string, says?: string, word: keyof typeof WORDS = 'name') =>
  described(oneWord(word).default(value), says);
const seconds = (value: number, says?: string) => described(z.int().positive().default(value), says);

/** Logical names of the relay's template and the names inside it; the defaults are those of `sphere-zooid-relay`. */
const namesSchema = z.strictObject({
  cluster: name('ECSCluster'),
  service: name('ZooidRelayService'),
  taskDefinition: name('ZooidRelayTaskDefinition'),
  migrationTaskDefinition: name('MigrationTaskDefinition'),
  rollbackTaskDefinition: name('RollbackTaskDefinition'),
  subnets: z.array(oneWord('name')).min(1).default(['PublicSubnet1', 'PublicSubnet2']),
  securityGroup: name('ECSSecurityGroup'),
  vpc: name('VPC'),
  fileSystem: name('EFSFileSystem'),
  accessPoint: name('EFSAccessPoint'),
  mountTargets: z.array(oneWord('name')).default(['EFSMountTarget1', 'EFSMountTarget2']),
  fileSystemSecurityGroup: name('EFSSecurityGroup'),
  fileSystemOutput: name('EFSFileSystemId'),
  fileSystemPolicy: name('EFSAccess', 'The inline policy of the task role that lets tasks reach the file system.'),
  executionRole: name('ECSTaskExecutionRole'),
  taskRole: name('ECSTaskRole'),
  logGroup: name('CloudWatchLogGroup'),
  targetGroup: name('ALBTargetGroup'),
  databaseSubnetGroup: name('RDSSubnetGroup'),
  databaseSecurityGroup: name('RDSSecurityGroup'),
  databaseInstance: name('RDSInstance'),
  databaseEndpointOutput: name('RDSEndpoint'),
  databasePassword: name('RDSPassword'),
  databasePasswordParameter: name(
    'DBPassword',
    'A stack that was prepared by hand has its password in this parameter.',
  ),
  databaseUrlSecret: name('RelayDatabaseUrl'),
  databaseUrlAccess: name('RelayDatabaseUrlAccess'),
  imageParameter: name('ContainerImage'),
  migratorImageParameter: name('MigratorImage'),
  domainParameter: name('RelayDomainName'),
  desiredCountParameter: name('RelayDesiredCount'),
  container: name('zooid-relay'),
  migrationContainer: name('migrate'),
  volume: name('zooid-data'),
  dataVariable: name('DATA'),
  databaseUrlVariable: name('DATABASE_URL'),
});

/** The instance that `prepare` adds; the defaults are those of runbook step 3. */
const databaseSchema = z.strictObject({
  name: name('zooid', undefined, 'role'),
  username: name('zooid', undefined, 'role'),
  instanceClass: name('db.t3.micro'),
  engineVersion: name('16'),
  storageGigabytes: z.int().min(20).default(20),
  backupRetentionDays: z.int().min(1).max(35).default(7),
});

/** Size of the migrator's Fargate task. CPU is in units of 1/1024 vCPU. */
const migrationTaskSchema = z.strictObject({
  cpuUnits: z.int().positive().default(512),
  memoryMebibytes: z.int().positive().default(1_024),
  ephemeralStorageGibibytes: z
    .int()
    .min(21)
    .max(200)
    .optional()
    .describe('Holds a copy of the SQLite file; without it Fargate gives 20 GiB.'),
});

/** Less than this leaves no time for a copy, a verification and a stack update. */
const FORWARD_SECONDS_MIN = 120;

const fieldsSchema = z.strictObject({
  stackName: name('sphere-zooid-relay', undefined, 'stack'),
  region: name('me-central-1'),
  newImage: name(
    'ghcr.io/unicitynetwork/unicity-relay:pg-migration',
    'The relay image that works on PostgreSQL.',
    'image',
  ),
  names: namesSchema.prefault({}),
  verifierRole: name(
    'cutover_verifier',
    'The database role of the verifying functions; it reads, and changes nothing but authority.',
    'role',
  ),
  migratorImage: name(
    'ghcr.io/unicitynetwork/unicity-relay-migrate:latest',
    'Image of the migrator, which copies SQLite into PostgreSQL and back.',
    'image',
  ),
  dataDirectory: name(
    '/app/data',
    "Where the relay's container has its volume, and the name of the SQLite file in it.",
    'path',
  ),
  sqliteFile: name('db', undefined, 'path'),
  database: databaseSchema.prefault({}),
  migrationTask: migrationTaskSchema.prefault({}),
  deregistrationDelaySeconds: z
    .int()
    .nonnegative()
    .max(3_600)
    .default(10)
    .describe('How long clients may write on over open WebSockets once the relay is told to stop.'),
  loadAgeDaysMax: z
    .int()
    .positive()
    .default(7)
    .describe(
      'A load that is older than this makes a long write stop: cutover refuses, and prepare brings it up to date.',
    ),
  quarantine: z
    .boolean()
    .default(false)
    .describe(
      'Rows that PostgreSQL cannot hold, tags without an event and events with a wrong id stay out of the target, whole in cutover.quarantine, and all others go over; else such rows stop the load.',
    ),
  confidenceDays: z
    .int()
    .positive()
    .default(7)
    .describe('How long the relay has to have served from PostgreSQL before its SQLite file may go.'),

  excludeTables: z
    .array(oneName)
    .default([])
    .describe('Tables of the SQLite file that are of no known kind and stay behind; one that is not named is refused.'),
  genericTables: z
    .array(oneName)
    .default([])
    .describe(
      'Tables of no known kind that go over as they are, with types that all their values have which are really there.',
    ),
  archiveIgnore: z
    .array(oneName)
    .default(['db-shm'])
    .describe(
      'Files that finalize leaves out of the archive, relative to the data directory: the shared memory of SQLite, which it makes anew.',
    ),
  snapshotAgeHoursMax: z
    .int()
    .positive()
    .default(24)
    .describe('finalize is content with a snapshot of the database that is no older; else it takes one.'),

  drainTimeoutSeconds: seconds(
    600,
    'How long the old task may take to stop: deregistration delay, stop timeout, and some more.',
  ),
  quietGapSeconds: seconds(10, '"No task runs" is believed when it is seen twice, this far apart.'),
  migratorTimeoutSeconds: seconds(3_600),
  migratorAttemptsMax: z
    .int()
    .positive()
    .default(2)
    .describe(
      'How often the migrator is started when its run was interrupted: a database that restarted, a task that was killed.',
    ),
  writeStopSecondsMax: seconds(
    900,
    'The longest write stop, the way back included: when it cannot be kept, the cutover goes back by itself.',
  ),
  wayBackSecondsReserved: seconds(
    240,
    'What is kept of it for the way back: a stack update that is undone, and the start of the old relay.',
  ),
  verifyTimeoutSeconds: seconds(900),
  verifyConcurrency: z
    .int()
    .positive()
    .default(2)
    .describe('Tables that are verified side by side; each costs the database one sequential scan.'),
  stackUpdateTimeoutSeconds: seconds(1_800),
  databaseTimeoutSeconds: seconds(3_600, 'The update that creates the database; ten minutes are usual.'),
  startTimeoutSeconds: seconds(480, 'From the request for a task until its relay answers as it should.'),
  pollIntervalSeconds: seconds(5),
  sampleEvents: z
    .int()
    .nonnegative()
    .max(32)
    .default(32)
    .describe('Events that the old relay served and the new one has to serve.'),
  approvalTimeoutSeconds: seconds(
    43_200,
    'How long a cutover that was started with `approve: true` waits for a person; then it ends with nothing changed.',
  ),
  executionTimeoutSeconds: seconds(
    86_400,
    'The whole execution; a limit against an execution that nobody looks at, not a deadline.',
  ),

  notificationEmail: z.email().optional().describe('Hears of every alarm and every ending; AWS asks it to confirm'),
});

const settingsSchema = fieldsSchema
  .refine((fields) => forwardSeconds(fields) >= FORWARD_SECONDS_MIN, {
    path: ['writeStopSecondsMax'],
    error: `must leave at least ${FORWARD_SECONDS_MIN} s for copy, verification and switch, beside wayBackSecondsReserved, quietGapSeconds and pollIntervalSeconds`,
  })
  .refine(({ excludeTables, genericTables }) => !excludeTables.some((name) => genericTables.includes(name)), {
    path: ['genericTables'],
    error: 'must not name a table that excludeTables names too',
  })
  .refine((fields) => fields.approvalTimeoutSeconds < fields.executionTimeoutSeconds, {
    path: ['approvalTimeoutSeconds'],
    error: 'must be shorter than executionTimeoutSeconds, within which the cutover itself has to take place too',
  });

/** Seconds from the second look at the stopped relay to the moment at which the way back has to begin. */
export function forwardSeconds(
  fields: Pick<
    z.output<typeof fieldsSchema>,
    'writeStopSecondsMax' | 'wayBackSecondsReserved' | 'quietGapSeconds' | 'pollIntervalSeconds'
  >,
): number {
  // The write stop began before the second look: at most one poll and the gap between the two looks earlier.
  return (
    fields.writeStopSecondsMax - fields.wayBackSecondsReserved - fields.quietGapSeconds - fields.pollIntervalSeconds
  );
}

function described<Field extends z.ZodType>(field: Field, says: string | undefined): Field {
  return says === undefined ? field : field.describe(says);
}

/** The JSON Schema (2020-12) of a settings file, by which editors complete it; the parser knows a rule or two more. */
export function settingsJsonSchema(): object {
  return z.toJSONSchema(settingsSchema, { io: 'input' });
}

export type Settings = z.output<typeof settingsSchema>;
export type Names = Settings['names'];

/**
 * Fills in defaults and refuses what is not known.
 *
 * @throws Refused with every finding, one line each
 */
export function parseSettings(raw: unknown = {}): Settings {
  const result = settingsSchema.safeParse(raw);
  if (result.success) return result.data;
  const findings = findingsIn(result.error, '(settings)').map((finding) => `  ${finding}`);
  throw new Refused(`The settings are not right:\n${findings.join('\n')}`);
}
