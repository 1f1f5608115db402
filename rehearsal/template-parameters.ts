import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';
import { parameterValues } from './cloudformation/parameters.ts';
import { readTemplate } from './cloudformation/template.ts';
import { FIXTURE_ADMIN_PUBKEY, FIXTURE_DOMAIN, FIXTURE_RELAY_SECRET } from './names.ts';

/**
 * The parameter values of the rehearsal's stack: those of the bundled data, and over them the user's.
 *
 * @throws Refused for a name that the template does not know, or a value that it does not allow
 */
export function templateParameters(
  settings: Settings,
  given: Record<string, string>,
  template: string,
): Record<string, string> {
  const values: Record<string, string> = {
    [settings.names.domainParameter]: FIXTURE_DOMAIN,
    RelaySecretKey: FIXTURE_RELAY_SECRET,
    AdminPubkey: FIXTURE_ADMIN_PUBKEY,
    AdminPubkeys: `"${FIXTURE_ADMIN_PUBKEY}"`,
    ...given,
  };
  const entries = Object.entries(values).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));
  try {
    parameterValues(readTemplate(template).parameters, entries, {});
    return values;
  } catch (error) {
    throw new Refused(`The parameters do not fit the template: ${(error as Error).message}`);
  }
}
