import { z } from 'zod';
import { Refused } from './errors.ts';

const oneName = z.string().min(1);
const name = (value: string) => oneName.default(value);
const seconds = (value: number) => z.int().positive().default(value);

/** Logical names of the relay's template and the names inside it; the defaults are those of `sphere-zooid-relay`. */
const namesSchema = z.strictObject({
  cluster: name('ECSCluster'),
  service: name('ZooidRelayService'),
  taskDefinition: name('ZooidRelayTaskDefinition'),
  migrationTaskDefinition: name('MigrationTaskDefinition'),
  rollbackTaskDefinition: name('RollbackTaskDefinition'),
  subnets: z.array(oneName).min(1).default(['PublicSubnet1', 'PublicSubnet2']),
  securityGroup: name('ECSSecurityGroup'),
  mountTargets: z.array(oneName).default(['EFSMountTarget1', 'EFSMountTarget2']),
  databaseUrlSecret: name('RelayDatabaseUrl'),
  imageParameter: name('ContainerImage'),
  domainParameter: name('RelayDomainName'),
  desiredCountParameter: name('RelayDesiredCount'),
  container: name('zooid-relay'),
  migrationContainer: name('migrate'),
  volume: name('zooid-data'),
  dataVariable: name('DATA'),
  databaseUrlVariable: name('DATABASE_URL'),
});

/** Less than this leaves no time for a copy, a verification and a stack update. */
const FORWARD_SECONDS_MIN = 120;

const fieldsSchema = z.strictObject({
  stackName: name('sphere-zooid-relay'),
  region: name('me-central-1'),
  /** The relay image that works on PostgreSQL. */
  newImage: name('ghcr.io/unicitynetwork/unicity-relay:pg-migration'),
  names: namesSchema.prefault({}),
  /** The database role of the verifying functions; it reads, and changes nothing but authority. */
  verifierRole: name('cutover_verifier'),

  /** How long the old task may take to stop: deregistration delay, stop timeout, and some more. */
  drainTimeoutSeconds: seconds(600),
  /** "No task runs" is believed when it is seen twice, this far apart. */
  quietGapSeconds: seconds(10),
  migratorTimeoutSeconds: seconds(3_600),
  /** How often the migrator is started when its run was interrupted: a database that restarted, a task that was killed. */
  migratorAttemptsMax: z.int().positive().default(2),
  /** The longest write stop, the way back included: when it cannot be kept, the cutover goes back by itself. */
  writeStopSecondsMax: seconds(900),
  /** What is kept of it for the way back: a stack update that is undone, and the start of the old relay. */
  wayBackSecondsReserved: seconds(240),
  verifyTimeoutSeconds: seconds(900),
  /** Tables that are verified side by side; each costs the database one sequential scan. */
  verifyConcurrency: z.int().positive().default(2),
  stackUpdateTimeoutSeconds: seconds(1_800),
  /** From the request for a task until its relay answers as it should. */
  startTimeoutSeconds: seconds(480),
  pollIntervalSeconds: seconds(5),
  /** Events that the old relay served and the new one has to serve. */
  sampleEvents: z.int().nonnegative().max(32).default(32),
  /** The whole execution; a limit against an execution that nobody looks at, not a deadline. */
  executionTimeoutSeconds: seconds(86_400),
});

const settingsSchema = fieldsSchema.refine((fields) => forwardSeconds(fields) >= FORWARD_SECONDS_MIN, {
  path: ['writeStopSecondsMax'],
  error: `must leave at least ${FORWARD_SECONDS_MIN} s for copy, verification and switch, beside wayBackSecondsReserved, quietGapSeconds and pollIntervalSeconds`,
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
  const findings = result.error.issues.map((issue) => `  ${issue.path.join('.') || '(settings)'}: ${issue.message}`);
  throw new Refused(`The settings are not right:\n${findings.join('\n')}`);
}
