/** Bytes and their spellings: UTF-8, hex, base64 and base64url, each with exactly one spelling per value; SHA-256. */
import { Refusal } from './refusal.js';

const UTF8 = new TextEncoder();
const LAST_OF_TWO = 'AQgw';
const LAST_OF_THREE = 'AEIMQUYcgkosw048';

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function utf8(text) {
  return UTF8.encode(text);
}

/** @param {...Uint8Array} parts @returns {Uint8Array<ArrayBuffer>} */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} left @param {Uint8Array} right */
export function equal(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** @param {Uint8Array} data */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} text hex, its form checked before @returns {Uint8Array<ArrayBuffer>} */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** @param {...Uint8Array} parts one after the other @returns {Promise<Uint8Array<ArrayBuffer>>} their SHA-256 */
export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)));
}

/** @param {Uint8Array} data @returns {string} padded base64 */
export function base64(data) {
  let text = '';
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer> | null} null for anything but base64 in its one spelling */
export function fromBase64(text) {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return base64(data) === text ? data : null;
}

/** @param {Uint8Array} data @returns {string} base64url without padding (RFC 7515, 2) */
export function base64url(data) {
  return base64(data).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} refuses padding, other letters and stray bits */
export function fromBase64url(text) {
  const rest = text.length % 4;
  const last = text.slice(-1);
  const fits =
    /^[A-Za-z0-9_-]*$/.test(text) &&
    rest !== 1 &&
    (rest !== 2 || LAST_OF_TWO.includes(last)) &&
    (rest !== 3 || LAST_OF_THREE.includes(last));
  if (!fits) throw new Refusal('ledger.base64url', 'not base64url in its one spelling');
  const standard = text.replaceAll('-', '+').replaceAll('_', '/') + '='.repeat((4 - rest) % 4);
  return Uint8Array.from(atob(standard), (letter) => letter.charCodeAt(0));
}
