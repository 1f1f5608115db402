import type { Json } from '../../statemachine/asl.ts';
import { StateFailure } from './failure.ts';

const PAYLOAD_BYTES_MAX = 256 * 1024;
/** A UTF-16 code unit takes no more bytes than that in UTF-8. */
const UNIT_BYTES_MAX = 3;

/**
 * The value as JSON text.
 *
 * @throws StateFailure `States.DataLimitExceeded` above 256 KiB of UTF-8 (Step Functions quotas)
 */
export function toPayload(value: Json, what: string): string {
  const text = JSON.stringify(value);
  if (text.length * UNIT_BYTES_MAX <= PAYLOAD_BYTES_MAX) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes > PAYLOAD_BYTES_MAX) {
    throw new StateFailure(
      'States.DataLimitExceeded',
      `${what} is ${bytes} bytes long, which exceeds the maximum of ${PAYLOAD_BYTES_MAX} bytes.`,
    );
  }
  return text;
}
