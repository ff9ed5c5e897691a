/**
 * Signatures of the ledger: ES256 in a JWS General JSON envelope (RFC 7515, 7.2.1), key ids by RFC 7638 thumbprint.
 *
 * Stricter than these: the protected header is exactly alg and kid, the envelope is canonical JSON, one key signs once,
 * and s lies in the lower half of the group order (WebCrypto would take both halves).
 */
import { base64url, fromBase64url, fromHex, joined, sha256, utf8 } from './bytes.js';
import { decode, encode } from './documents.js';
import { Refusal, demand } from './refusal.js';

const ENVELOPE_BYTES_MAX = 65_536;
const HALF_ORDER = fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8');
const LARGEST_COORDINATE = fromHex('ffffffff00000001000000000000000000000000fffffffffffffffffffffffe');
const ES256 = { name: 'ECDSA', hash: 'SHA-256' };
const P256 = { name: 'ECDSA', namedCurve: 'P-256' };

/** @typedef {{crv: 'P-256', kty: 'EC', x: string, y: string}} PublicJwk */
/** @typedef {{kid: string, message: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>}} Check */

/** @param {PublicJwk} key @returns {Promise<string>} RFC 7638 thumbprint */
export async function keyId(key) {
  return base64url(await sha256(encode(key)));
}

/** @param {string} text */
function coordinate(text) {
  try {
    return fromBase64url(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('ledger.public_key', `a coordinate is ${error.message}`);
  }
}

/** @param {PublicJwk} key @returns {Promise<CryptoKey>} refuses a point that is not on P-256 */
export async function loadPublicKey(key) {
  const [x, y] = [coordinate(key.x), coordinate(key.y)];
  // An engine that reduces a coordinate beyond the prime would give one key two ids, and one person two signatures.
  const below = !exceeds(x, LARGEST_COORDINATE) && !exceeds(y, LARGEST_COORDINATE);
  demand(below, 'ledger.public_key', 'a coordinate is not below the prime of P-256');
  const point = joined(Uint8Array.of(4), x, y);
  try {
    return await crypto.subtle.importKey('raw', point, P256, false, ['verify']);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new Refusal('ledger.public_key', 'not a point of P-256');
  }
}

/** Public keys by id. */
export class KeyRing {
  constructor() {
    /** @type {Map<string, CryptoKey>} */
    this.keys = new Map();
  }

  /** @param {PublicJwk[]} keys @returns {Promise<KeyRing>} */
  static async of(keys) {
    const ring = new KeyRing();
    for (const key of keys) {
      const kid = await keyId(key);
      if (!ring.keys.has(kid)) ring.keys.set(kid, await loadPublicKey(key));
    }
    return ring;
  }
}

/** @param {string} header base64url @returns {string} the key id in it */
function signer(header) {
  try {
    return decode(fromBase64url(header), 'Header').kid;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('ledger.algorithm', `the header must be exactly alg ES256 and kid: ${error.message}`);
  }
}

/** @param {Uint8Array} left @param {Uint8Array} right numbers of the same length, highest byte first */
function exceeds(left, right) {
  const at = left.findIndex((byte, place) => byte !== right[place]);
  return at >= 0 && left[at] > right[at];
}

/**
 * What has to be verified for one signature over a base64url payload; refuses errors of form and a high s.
 *
 * @param {{protected: string, signature: string}} signature
 * @param {string} payload
 * @returns {Check}
 */
export function checkOf(signature, payload) {
  const kid = signer(signature.protected);
  const raw = fromBase64url(signature.signature);
  demand(raw.length === 64, 'ledger.signature', `an ES256 signature has 64 bytes, not ${raw.length}`);
  demand(!exceeds(raw.subarray(32), HALF_ORDER), 'ledger.high_s', 's is above half of the group order');
  return { kid, message: utf8(`${signature.protected}.${payload}`), signature: raw };
}

/** @param {Check} check @param {CryptoKey} key */
export async function verify(check, key) {
  const holds = await crypto.subtle.verify(ES256, key, check.signature, check.message);
  demand(holds, 'ledger.signature', `the signature of key ${check.kid} is not over these bytes`);
}

/**
 * Take an envelope apart, checking its form but not yet its signatures.
 *
 * @param {Uint8Array} data
 * @returns {{payload: Uint8Array<ArrayBuffer>, checks: Check[]}}
 */
export function openEnvelope(data) {
  demand(data.length <= ENVELOPE_BYTES_MAX, 'ledger.too_large', `at most ${ENVELOPE_BYTES_MAX} bytes are taken`);
  const envelope = decode(data, 'Envelope');
  const payload = fromBase64url(envelope.payload);
  const checks = envelope.signatures.map((/** @type {any} */ one) => checkOf(one, envelope.payload));
  const kids = new Set(checks.map((/** @type {Check} */ check) => check.kid));
  demand(kids.size === checks.length, 'ledger.duplicate_signer', 'one key signed twice');
  return { payload, checks };
}

/**
 * @typedef {object} Transaction
 * @property {any} payload
 * @property {string} transaction hex of the SHA-256 of the payload, its name
 * @property {string} digest hex of the SHA-256 of the envelope
 * @property {string[]} signers key ids
 * @property {string[]} readers key ids under its days of readings
 * @property {Check[]} openChecks signatures whose key is not known here
 */

