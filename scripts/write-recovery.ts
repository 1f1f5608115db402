// Writes docs/recovery.md; test/recovery.test.ts fails where it differs from the machines.
import { writeFileSync } from 'node:fs';
import { recoveryDocument } from '../report/recovery-document.ts';
import { parseSettings } from '../statemachine/settings.ts';

writeFileSync(new URL('../docs/recovery.md', import.meta.url), recoveryDocument(parseSettings()));
