// Writes docs/report.schema.json; test/report/report.test.ts fails where it differs from what a report has.
import { writeFileSync } from 'node:fs';
import { reportJsonSchema } from '../report/report-schema.ts';

const text = JSON.stringify(reportJsonSchema(), null, 2);
writeFileSync(new URL('../docs/report.schema.json', import.meta.url), `${text}\n`);
