import { describe, expect, it } from 'vitest';
import { inputFindings } from '../statemachine/input.ts';
import { parseSettings } from '../statemachine/settings.ts';

function refusal(raw: unknown): string {
  try {
    parseSettings(raw);
  } catch (error) {
    expect((error as Error).name).toBe('Refused');
    return (error as Error).message;
  }
  return expect.fail('expected a refusal');
}

describe('the settings', () => {
  it('need nothing: the defaults are those of the relay', () => {
    expect(parseSettings()).toEqual(parseSettings({}));
    expect(parseSettings()).toEqual({
      stackName: 'sphere-zooid-relay',
      region: 'me-central-1',
      newImage: 'ghcr.io/unicitynetwork/unicity-relay:pg-migration',
      names: {
        cluster: 'ECSCluster',
        service: 'ZooidRelayService',
        taskDefinition: 'ZooidRelayTaskDefinition',
        migrationTaskDefinition: 'MigrationTaskDefinition',
        rollbackTaskDefinition: 'RollbackTaskDefinition',
        subnets: ['PublicSubnet1', 'PublicSubnet2'],
        securityGroup: 'ECSSecurityGroup',
        vpc: 'VPC',
        fileSystem: 'EFSFileSystem',
        accessPoint: 'EFSAccessPoint',
        mountTargets: ['EFSMountTarget1', 'EFSMountTarget2'],
        fileSystemSecurityGroup: 'EFSSecurityGroup',
        fileSystemOutput: 'EFSFileSystemId',
        fileSystemPolicy: 'EFSAccess',
        executionRole: 'ECSTaskExecutionRole',
        taskRole: 'ECSTaskRole',
        logGroup: 'CloudWatchLogGroup',
        targetGroup: 'ALBTargetGroup',
        databaseSubnetGroup: 'RDSSubnetGroup',
        databaseSecurityGroup: 'RDSSecurityGroup',
        databaseInstance: 'RDSInstance',
        databaseEndpointOutput: 'RDSEndpoint',
        databasePassword: 'RDSPassword',
        databasePasswordParameter: 'DBPassword',
        databaseUrlSecret: 'RelayDatabaseUrl',
        databaseUrlAccess: 'RelayDatabaseUrlAccess',
        imageParameter: 'ContainerImage',
        migratorImageParameter: 'MigratorImage',
        domainParameter: 'RelayDomainName',
        desiredCountParameter: 'RelayDesiredCount',
        container: 'zooid-relay',
        migrationContainer: 'migrate',
        volume: 'zooid-data',
        dataVariable: 'DATA',
        databaseUrlVariable: 'DATABASE_URL',
      },
      migratorImage: 'ghcr.io/unicitynetwork/unicity-relay-migrate:latest',
      dataDirectory: '/app/data',
      sqliteFile: 'db',
      database: {
        name: 'zooid',
        username: 'zooid',
        instanceClass: 'db.t3.micro',
        engineVersion: '16',
        storageGigabytes: 20,
        backupRetentionDays: 7,
      },
      migrationTask: { cpuUnits: 512, memoryMebibytes: 1_024 },
      deregistrationDelaySeconds: 10,
      loadAgeDaysMax: 7,
      quarantine: false,
      confidenceDays: 7,
      excludeTables: [],
      genericTables: [],
      archiveIgnore: ['db-shm'],
      snapshotAgeHoursMax: 24,
      verifierRole: 'cutover_verifier',
      drainTimeoutSeconds: 600,
      quietGapSeconds: 10,
      migratorTimeoutSeconds: 3_600,
      migratorAttemptsMax: 2,
      writeStopSecondsMax: 900,
      wayBackSecondsReserved: 240,
      verifyTimeoutSeconds: 900,
      verifyConcurrency: 2,
      stackUpdateTimeoutSeconds: 1_800,
      databaseTimeoutSeconds: 3_600,
      startTimeoutSeconds: 480,
      pollIntervalSeconds: 5,
      sampleEvents: 32,
      approvalTimeoutSeconds: 43_200,
      executionTimeoutSeconds: 86_400,
    });
  });

  it('do not take a table that stays behind for one that goes over too', () => {
    const both = { excludeTables: ['a', 'b'], genericTables: ['b'] };
    expect(() => parseSettings(both)).toThrow(
      'The settings are not right:\n  genericTables: must not name a table that excludeTables names too',
    );
  });

  it('keep what is given and fill in the rest, also within the names', () => {
    const settings = parseSettings({ stackName: 'mine', names: { cluster: 'Mine' }, sampleEvents: 0 });
    expect(settings).toMatchObject({ stackName: 'mine', sampleEvents: 0, region: 'me-central-1' });
    expect(settings.names).toEqual({ ...parseSettings().names, cluster: 'Mine' });
  });

  it('refuse a key that is not known', () => {
    expect(refusal({ drainTimeout: 10 })).toBe(
      'The settings are not right:\n  (settings): Unrecognized key: "drainTimeout"',
    );
    expect(refusal({ names: { Cluster: 'C' } })).toBe(
      'The settings are not right:\n  names: Unrecognized key: "Cluster"',
    );
  });

  it('tell all that is wrong at once', () => {
    const message = refusal({
      stackName: '',
      pollIntervalSeconds: 0,
      quietGapSeconds: 1.5,
      sampleEvents: 33,
      verifyConcurrency: '2',
      names: { subnets: [], mountTargets: ['', 'EFSMountTarget2'], volume: null },
      region: 7,
      colour: 'red',
    });
    expect(message).toBe(
      [
        'The settings are not right:',
        '  stackName: Too small: expected string to have >=1 characters',
        '  region: Invalid input: expected string, received number',
        '  names.subnets: Too small: expected array to have >=1 items',
        '  names.mountTargets.0: Too small: expected string to have >=1 characters',
        '  names.volume: Invalid input: expected string, received null',
        '  quietGapSeconds: Invalid input: expected int, received number',
        '  verifyConcurrency: Invalid input: expected number, received string',
        '  pollIntervalSeconds: Too small: expected number to be >0',
        '  sampleEvents: Too big: expected number to be <=32',
        '  (settings): Unrecognized key: "colour"',
      ].join('\n'),
    );
  });

  it.each([null, 'settings', 7, []])('refuse %j', (raw) => {
    expect(refusal(raw)).toMatch(
      /^The settings are not right:\n {2}\(settings\): Invalid input: expected object, received \w+$/,
    );
  });

  it('take no endless and no negative times', () => {
    for (const value of [-1, 0, Number.POSITIVE_INFINITY, Number.NaN, '600']) {
      expect(refusal({ drainTimeoutSeconds: value }), String(value)).toContain('drainTimeoutSeconds: ');
    }
  });
});

describe('the limit of the write stop', () => {
  const tooShort =
    '  writeStopSecondsMax: must leave at least 120 s for copy, verification and switch, beside wayBackSecondsReserved, quietGapSeconds and pollIntervalSeconds';

  it.each([
    { writeStopSecondsMax: 375 },
    { wayBackSecondsReserved: 765 },
    { writeStopSecondsMax: 123, wayBackSecondsReserved: 1, quietGapSeconds: 1, pollIntervalSeconds: 1 },
  ])('leaves two minutes for the way forward: %j', (raw) => {
    expect(parseSettings(raw)).toMatchObject(raw);
  });

  it.each([
    { writeStopSecondsMax: 374 },
    { wayBackSecondsReserved: 766 },
    { quietGapSeconds: 536 },
    { pollIntervalSeconds: 531 },
    { writeStopSecondsMax: 1, wayBackSecondsReserved: 1 },
  ])('is refused where it leaves less: %j', (raw) => {
    expect(refusal(raw)).toBe(`The settings are not right:\n${tooShort}`);
  });

  it('is told beside what else is wrong', () => {
    expect(refusal({ writeStopSecondsMax: 359, migratorAttemptsMax: 0, colour: 'red' })).toBe(
      [
        'The settings are not right:',
        '  migratorAttemptsMax: Too small: expected number to be >0',
        '  (settings): Unrecognized key: "colour"',
        tooShort,
      ].join('\n'),
    );
  });

  it.each(['migratorAttemptsMax', 'writeStopSecondsMax', 'wayBackSecondsReserved'])(
    'and %s are whole and greater than nothing',
    (key) => {
      const wrong = [
        [0, 'Too small: expected number to be >0'],
        [-1, 'Too small: expected number to be >0'],
        [1.5, 'Invalid input: expected int, received number'],
        ['2', 'Invalid input: expected number, received string'],
      ] as const;
      for (const [value, message] of wrong)
        expect(refusal({ [key]: value }).split('\n')).toContain(`  ${key}: ${message}`);
    },
  );
});

describe('the wait for an approval', () => {
  it('has to end before the execution does', () => {
    const words = 'must be shorter than executionTimeoutSeconds, within which the cutover itself has to take place too';
    for (const raw of [{ approvalTimeoutSeconds: 86_400 }, { executionTimeoutSeconds: 43_200 }])
      expect(refusal(raw)).toBe(`The settings are not right:\n  approvalTimeoutSeconds: ${words}`);
    expect(parseSettings({ approvalTimeoutSeconds: 86_399 }).approvalTimeoutSeconds).toBe(86_399);
  });
});

describe("the execution's input", () => {
  it('may be empty, have a comment, or say what a failure leads to', () => {
    for (const input of [
      {},
      { comment: 'as agreed on Tuesday' },
      { onFailure: 'rollback' },
      { onFailure: 'hold', comment: '' },
      { approve: true },
    ])
      expect(inputFindings('cutover', input), JSON.stringify(input)).toBeUndefined();
  });

  it('may have nothing else', () => {
    expect(inputFindings('cutover', { comment: 7, onFailure: 'retry', takeOver: true })).toBe(
      'The input of the execution is not right: onFailure: Invalid option: expected one of "rollback"|"hold"; comment: Invalid input: expected string, received number; Unrecognized key: "takeOver". Known: onFailure, approve, comment.',
    );
    expect(inputFindings('cutover', null)).toBe(
      'The input of the execution is not right: Invalid input: expected object, received null. Known: onFailure, approve, comment.',
    );
  });
});
