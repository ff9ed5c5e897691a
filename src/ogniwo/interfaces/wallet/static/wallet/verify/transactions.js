/** From received bytes to a transaction with verified signatures; nothing is asked of the ledger's state. */
import { base64url, hex, sha256 } from './bytes.js';
import { decode, encode } from './documents.js';
import { KeyRing, checkOf, keyId, loadPublicKey, openEnvelope, verify } from './signing.js';

/** @typedef {import('./signing.js').Transaction} Transaction */
/** @typedef {import('./signing.js').PublicJwk} PublicJwk */

/** Operations that bring the key they register, which signs too. */
const CARRIES_KEY = new Set(['genesis', 'register_key', 'start_recovery']);

/** @param {any} payload @returns {any[]} the days of readings it puts on the ledger, each with its record and signature */
export function signedDays(payload) {
  if (payload.op === 'mint_metering') return [payload];
  return payload.op === 'mint_days' ? payload.days : [];
}

/** @param {Uint8Array} envelope @returns {Promise<Transaction>} decoded, its form checked, all signatures open */
export async function openTransaction(envelope) {
  const opened = openEnvelope(envelope);
  const payload = decode(opened.payload, 'Payload');
  const checks = [...opened.checks];
  const readings = signedDays(payload).map((day) => checkOf(day.reading, base64url(encode(day.record))));
  checks.push(...readings);
  return {
    payload,
    transaction: hex(await sha256(opened.payload)),
    digest: hex(await sha256(envelope)),
    signers: opened.checks.map((check) => check.kid),
    readers: readings.map((reading) => reading.kid),
    openChecks: checks,
  };
}

/** @param {any} payload @param {string} kid @returns {Promise<CryptoKey | undefined>} */
async function carriedKey(payload, kid) {
  if (payload.op === 'propose') return carriedKey(payload.operation, kid);
  if (payload.op === 'batch') {
    for (const part of payload.operations) {
      const key = await carriedKey(part, kid);
      if (key !== undefined) return key;
    }
    return undefined;
  }
  if (!CARRIES_KEY.has(payload.op) || (await keyId(payload.key)) !== kid) return undefined;
  return loadPublicKey(payload.key);
}

/**
 * Verify every signature whose key is among `keys` or carried by the transaction; the others stay open.
 *
 * @param {Uint8Array} envelope
 * @param {PublicJwk[]} keys
 * @returns {Promise<Transaction>}
 */
export async function admitTransaction(envelope, keys) {
  const transaction = await openTransaction(envelope);
  const ring = await KeyRing.of(keys);
  const open = [];
  for (const check of transaction.openChecks) {
    const key = ring.keys.get(check.kid) ?? (await carriedKey(transaction.payload, check.kid));
    if (key === undefined) open.push(check);
    else await verify(check, key);
  }
  return { ...transaction, openChecks: open };
}
