/** Where the rehearsal pretends to be: an account number that AWS reserves for examples. */
export const ACCOUNT_ID = '123456789012';

export function functionArn(region: string, name: string): string {
  return `arn:aws:lambda:${region}:${ACCOUNT_ID}:function:relay-cutover-${name}:1`;
}

/** The key with which the bundled data's relay signs its own list of admins, and the admin on it. */
export const FIXTURE_RELAY_SECRET = '01'.repeat(32);
export const FIXTURE_ADMIN_PUBKEY = '4f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa';
export const FIXTURE_DOMAIN = 'relay.test';

/** The bucket of the stack that the functions are in. */
export const ARTEFACT_BUCKET = 'relay-cutover-artefacts';
