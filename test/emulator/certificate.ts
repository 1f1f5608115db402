import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM */
  certificate: string;
  /** PEM */
  key: string;
}

const DAY = 86_400_000;

/**
 * Makes a certificate for the names, signed by its own key: Node cannot make one, and there need not be an openssl.
 *
 * Source: RFC 5280, section 4.1, in DER.
 */
export function certificateFor(names: string[]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  // A name of its own: OpenSSL takes certificates of one name for one another.
  const name = `relay-cutover test ${randomBytes(8).toString('hex')}`;
  const issuer = sequence(set(sequence(objectId(COMMON_NAME), text(name))));
  const alternatives = sequence(...names.map((host) => tagged(0x82, Buffer.from(host))));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    SIGNATURE,
    issuer,
    sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
    issuer,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(sequence(objectId(SUBJECT_ALTERNATIVES), tagged(0x04, alternatives)))),
  );
  const signature = sign('sha256', body, privateKey);
  const der = sequence(body, SIGNATURE, tagged(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

// Object identifiers in DER: 2.5.4.3, 2.5.29.17, and 1.2.840.10045.4.3.2 (ecdsa-with-SHA256).
const COMMON_NAME = '550403';
const SUBJECT_ALTERNATIVES = '551d11';
const SIGNATURE = sequence(objectId('2a8648ce3d040302'));

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function set(...parts: Buffer[]): Buffer {
  return tagged(0x31, ...parts);
}

function integer(content: Buffer): Buffer {
  return tagged(0x02, content);
}

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function text(content: string): Buffer {
  return tagged(0x0c, Buffer.from(content));
}

function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(digits));
}
