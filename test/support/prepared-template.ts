import { readFileSync } from 'node:fs';
import { addRdsEdits } from '../../lambdas/template-edits/add-rds.ts';
import { applyEdits } from '../../lambdas/template-edits/apply.ts';
import { parseSettings } from '../../statemachine/settings.ts';

/** The bundled template, as it is before `prepare`. */
export const bundledTemplate = readFileSync('rehearsal/template/sphere-zooid-relay.yaml', 'utf8');

/** The same as `prepare` leaves it. */
export const preparedTemplate = applyEdits(bundledTemplate, addRdsEdits(parseSettings())).text;
