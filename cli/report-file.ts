import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { page } from '../report/page.ts';
import type { Report } from '../report/report-schema.ts';
import { Refused } from '../statemachine/errors.ts';

/** The page, or the JSON form for a file that is named so. */
export function reportText(report: Report, file: string): string {
  return file.endsWith('.json') ? `${JSON.stringify(report, null, 2)}\n` : page(report);
}

/** @throws Refused when another file would be lost, and for a place that cannot be written to */
export function writeReportFile(file: string, text: string, force = false): void {
  if (!force && existsSync(file) && readFileSync(file, 'utf8') !== text) {
    throw new Refused(
      `The file ${file} is there and is another one. Nothing was written. Name another by --out, or say --force.`,
    );
  }
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new Refused(`The report cannot be written to ${file}: ${(cause as Error).message}. Name another file.`, {
      cause,
    });
  }
}
