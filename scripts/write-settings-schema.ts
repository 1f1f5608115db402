// Writes docs/cutover.schema.json; test/settings-schema.test.ts fails where it differs from the settings.
import { writeFileSync } from 'node:fs';
import { settingsJsonSchema } from '../statemachine/settings.ts';

const text = JSON.stringify(settingsJsonSchema(), null, 2);
writeFileSync(new URL('../docs/cutover.schema.json', import.meta.url), `${text}\n`);
