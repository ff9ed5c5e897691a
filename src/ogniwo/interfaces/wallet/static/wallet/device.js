/** The device's key: ES256, made here, never given out; what it signs is canonical JSON that fits the ledger's shapes. */
import { decode, encode } from './verify/documents.js';
import { base64url, fromBase64url, fromHex, hex, joined, sha256, utf8 } from './verify/bytes.js';
import { keyId } from './verify/signing.js';
import { drop, get, put } from './store.js';

const KIND = { name: 'ECDSA', namedCurve: 'P-256' };
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const EXPIRES_S = 3_600;

/** @typedef {{wallet: string, kid: string, name: string, keys: CryptoKeyPair, state: string}} DeviceKey */

/** @param {string} wallet CODE/NUMBER @returns {Promise<DeviceKey | undefined>} */
export const keyOf = (wallet) => get('keys', wallet);

/** @param {string} wallet */
export const forgetKey = (wallet) => drop('keys', wallet);

/** @param {CryptoKey} key @returns {Promise<import('./verify/signing.js').PublicJwk>} */
export async function publicJwk(key) {
  const { x, y } = await crypto.subtle.exportKey('jwk', key);
  return { crv: 'P-256', kty: 'EC', x: String(x), y: String(y) };
}

/**
 * The device's key of a wallet, made now when there is none.
 *
 * @param {string} wallet
 * @param {string} name what the member calls this device
 * @returns {Promise<DeviceKey>}
 */
export async function makeKey(wallet, name) {
  const before = await keyOf(wallet);
  if (before) return before;
  const keys = await crypto.subtle.generateKey(KIND, false, ['sign', 'verify']);
  const made = { wallet, name, keys, kid: await keyId(await publicJwk(keys.publicKey)), state: 'made' };
  await put('keys', made);
  // Asks the browser not to clear what is stored here when space is short; it may say no.
  await navigator.storage?.persist?.();
  return made;
}

/** @param {DeviceKey} key @param {string} state made, asked, enrolled */
export const setState = (key, state) => put('keys', { ...key, state });

/** @param {Uint8Array<ArrayBuffer>} raw r and s @returns {Uint8Array<ArrayBuffer>} with s in the lower half of the order */
function lowS(raw) {
  const s = BigInt(`0x${hex(raw.subarray(32))}`);
  if (s <= ORDER / 2n) return raw;
  return joined(raw.subarray(0, 32), fromHex((ORDER - s).toString(16).padStart(64, '0')));
}

/**
 * @param {DeviceKey} key
 * @param {string} payload base64url
 * @returns {Promise<{protected: string, signature: string}>}
 */
async function signatureOver(key, payload) {
  const header = base64url(encode({ alg: 'ES256', kid: key.kid }));
  const message = utf8(`${header}.${payload}`);
  const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.keys.privateKey, message);
  return { protected: header, signature: base64url(lowS(new Uint8Array(raw))) };
}

/** @param {Uint8Array} data @returns {string} */
const text = (data) => new TextDecoder().decode(data);

/**
 * @param {DeviceKey} key
 * @param {Uint8Array<ArrayBuffer>} payload canonical JSON of a payload; other bytes are refused
 * @returns {Promise<string>} the envelope
 */
export async function signBytes(key, payload) {
  decode(payload, 'Payload');
  const encoded = base64url(payload);
  return text(encode({ payload: encoded, signatures: [await signatureOver(key, encoded)] }));
}

/**
 * @param {DeviceKey} key
 * @param {string} envelope signed by others
 * @returns {Promise<string>} the same with this device's signature added
 */
export async function addSignature(key, envelope) {
  const parsed = decode(utf8(envelope), 'Envelope');
  const signatures = [...parsed.signatures, await signatureOver(key, parsed.payload)];
  return text(encode({ payload: parsed.payload, signatures }));
}

/** @param {string} envelope @returns {any} what it says; its signatures are not looked at */
export const payloadOf = (envelope) => decode(fromBase64url(decode(utf8(envelope), 'Envelope').payload), 'Payload');

/** @returns {string} 128 random bits in hex */
export const randomHex = () => hex(crypto.getRandomValues(new Uint8Array(16)));

/**
 * The bytes of an operation of this account, with a fresh id and an hour to live.
 *
 * @param {{account: string, network: string}} wallet
 * @param {{[field: string]: unknown}} operation
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function framed(wallet, operation) {
  const { account, network } = wallet;
  const expires = Math.floor(Date.now() / 1000) + EXPIRES_S;
  return encode({ account, expires, id: randomHex(), network, reason: '', references: [], v: 1, ...operation });
}

/** @param {Uint8Array<ArrayBuffer>} payload @returns {Promise<string>} the name of the transaction */
export const nameOf = async (payload) => hex(await sha256(payload));
