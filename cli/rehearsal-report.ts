import { auditOf } from '../rehearsal/audits.ts';
import type { RehearsalObserver, Stage } from '../rehearsal/stage.ts';
import { MIGRATOR_CONTAINER, parseMigratorLine } from '../report/migrator-log.ts';
import { reportOf } from '../report/report.ts';
import { reportText, writeReportFile } from './report-file.ts';

/** Listens to a rehearsal for what no history has, beside whoever else listens. */
export class RehearsalListener {
  readonly #lines: string[] = [];

  /** Hands everything on. */
  beside(observer: RehearsalObserver): RehearsalObserver {
    return {
      step: (text) => observer.step(text),
      event: (event, machine) => observer.event(event, machine),
      log: (container, line) => {
        const kind = container === MIGRATOR_CONTAINER ? parseMigratorLine(line)?.kind : undefined;
        if (kind === 'rows' || kind === 'result') this.#lines.push(line);
        observer.log(container, line);
      },
    };
  }

  /** Writes the report of everything that ran: the page, or JSON where the file is named so. Overwrites. */
  async write(file: string, { stepFunctions }: Stage): Promise<void> {
    const audits = await Promise.all(stepFunctions.started.map(auditOf));
    writeReportFile(file, reportText(reportOf(audits, { migratorLines: this.#lines }), file), true);
  }
}
