import type { JsonObject, StateMachine, States } from '../asl.ts';
import { changeSetStates, protectStack } from '../change-set-states.ts';
import { expectedWriteStopSeconds } from '../expected-write-stop.ts';
import { HOLDS, hold, release, takeLock } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { invoke } from '../tasks.ts';
import { quarantinedRows } from '../verify-states.ts';
import { loadStates } from './load.ts';

const ON_FAILURE = 'IsHeld';

/**
 * The machine `prepare`: gives the relay's stack a database and the tasks of the migrator, and loads all rows while the relay
 * is live (runbook steps 2 to 4, and the long part of 5b). The relay is never stopped; run again, it brings the load up to date.
 *
 * @returns an Amazon States Language definition whose `${<function>}` placeholders stand for Lambda version ARNs
 */
export function prepareMachine(settings: Settings): StateMachine {
  return {
    Comment: `Adds PostgreSQL to the stack ${settings.stackName} and loads it, while the relay serves from SQLite`,
    QueryLanguage: 'JSONata',
    StartAt: 'TakeLock',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      ...databaseStates(settings),
      ...loadStates(settings, ON_FAILURE, 'ReleasePrepared'),
      ReleasePrepared: release(settings, 'PrepareComplete'),
      PrepareComplete: prepareComplete(settings),
      ...failedStates(settings),
    },
  };
}

function databaseStates(settings: Settings): States {
  const { names, newImage } = settings;
  const prepareSettings = settingsOfPrepare(settings);
  return {
    ...takeLock(settings, { onFailure: ON_FAILURE, next: 'PreflightPrepare' }),
    PreflightPrepare: invoke(
      'preflight-prepare',
      {
        input: '{% $states.context.Execution.Input %}',
        stackName: settings.stackName,
        settings: prepareSettings,
      },
      {
        comment: 'Look at all that the database, the migrator and the edits rest on; tell all findings at once',
        assign: { preparation: '{% $states.result.Payload %}', attempt: 1, failure: null, loadFailure: null },
        onFailure: ON_FAILURE,
        next: 'ProposePrepare',
      },
    ),
    ...changeSetStates(settings, {
      suffix: 'Prepare',
      purpose: 'prepare',
      by: 'prepare-stack',
      what: 'database, secrets, the desired count as a parameter, the tasks of the migrator',
      desiredCount: 1,
      keptUnder: '{% $states.context.Execution.Name %}',
      payload: { prepare: { settings: prepareSettings, migratorImage: '{% $preparation.migratorImage %}' } },
      timeoutSeconds: settings.databaseTimeoutSeconds,
      onFailure: ON_FAILURE,
      next: 'ProtectStack',
    }),
    ProtectStack: protectStack(settings, { onFailure: ON_FAILURE, next: 'PreflightCutover' }),
    PreflightCutover: invoke(
      'preflight',
      {
        input: {},
        stackName: settings.stackName,
        names,
        newImage,
        sampleEvents: settings.sampleEvents,
      },
      {
        comment: 'Look already now at everything that a cutover will look at, and resolve the names for the load',
        assign: { plan: '{% $states.result.Payload %}' },
        onFailure: ON_FAILURE,
        next: 'RunLoad',
      },
    ),
  };
}

/** What the edits and their preflight need; what an owner has not set stands in no event. */
function settingsOfPrepare(settings: Settings): JsonObject {
  const { names, newImage, migratorImage, dataDirectory, sqliteFile, database, deregistrationDelaySeconds } = settings;
  const migrationTask = { ...settings.migrationTask } as JsonObject;
  return {
    names,
    newImage,
    migratorImage,
    dataDirectory,
    sqliteFile,
    database,
    deregistrationDelaySeconds,
    migrationTask,
  };
}

function prepareComplete(settings: Settings): States[string] {
  return {
    Type: 'Succeed',
    Comment: 'The relay serves from SQLite as before; PostgreSQL stands beside it, loaded and proven',
    Output: {
      outcome: 'PrepareComplete',
      rows: '{% $sum($loaded.tables.rows) %}',
      tables: '{% $loadVerdicts %}',
      quarantinedRows: quarantinedRows('loadVerdicts'),
      // Tables of the file that the cutover leaves behind, as the settings say; mostly there are none.
      excluded: '{% [$loaded.excluded] %}',
      loadSeconds: '{% $loaded.seconds %}',
      fileSystemBytes: '{% $preparation.fileSystemBytes %}',
      stackEdits: '{% $preparation.preview.edits[] %}',
      original: '{% $proposal.original %}',
      cutover: {
        changes: '{% $plan.preview %}',
        // Clients may write until the last task has stopped; the write stop begins then.
        drainSecondsMax: '{% $plan.preview.drainSecondsMax %}',
        expectedWriteStopSeconds: expectedWriteStopSeconds(settings, '$loaded.seconds'),
        start: `Start cutover with {} within ${settings.loadAgeDaysMax} days; later, run prepare again first.`,
      },
      notes: '{% $preparation.notes[] %}',
      commit:
        'Commit the template of the stack as it is now deployed (relay-cutover template pull): an old file deployed from git would ask for the database to be deleted.',
    },
  };
}

/** Where every failure comes to. The relay serves all the time, so there is nothing to undo; CloudFormation undoes its own. */
function failedStates(settings: Settings): States {
  return {
    [ON_FAILURE]: {
      Type: 'Choice',
      Comment: 'The relay serves as before: wait for an operator, or end',
      Choices: [{ Condition: `{% ${HOLDS} %}`, Next: 'HoldPrepare' }],
      Default: 'ReleaseFailed',
    },
    HoldPrepare: hold(
      settings,
      'failure',
      'The relay serves as before; stand here until the cause is removed and the execution redriven, then begin anew',
      'TakeLock',
    ),
    ReleaseFailed: release(settings, 'PrepareFailed'),
    PrepareFailed: {
      Type: 'Fail',
      Comment: 'The relay serves from SQLite as before',
      Error: 'PrepareFailed',
      Cause:
        '{% "The relay serves from SQLite as before, and prepare may be started anew when the cause is removed. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
    },
  };
}
