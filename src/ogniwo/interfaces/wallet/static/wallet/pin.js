/**
 * What this device holds against the ledger: the newest checkpoint it has seen, and all that lead to it. A ledger that
 * does not continue them is refused, and both signed notes are kept, since they contradict each other.
 */
import { explain, verifyConsistency, verifyReceipt, verifySignedCheckpoint } from './verify/index.js';
import { parseCheckpoint } from './verify/checkpoints.js';
import { decode } from './verify/documents.js';
import { Refusal } from './verify/refusal.js';
import { all, get, put } from './store.js';
import { Refused, bytesOf } from './page.js';

const ROUNDS = 4;
const CONTRADICTIONS = new Set([
  'ledger.checkpoint_inconsistent',
  'ledger.log_shorter_than_checkpoint',
  'ledger.checkpoint_signature',
]);

/** @typedef {{network: string, note: string, key: string, policy: {witnesses: string[], quorum: number} | null, since: string, seen: string}} Pin */

/** The ledger shows another past than it showed before, or signs with another key. */
export class Forked extends Error {}

/** @param {string} network @returns {Promise<Pin | undefined>} */
export const pinOf = (network) => get('pins', network);

/** @param {string} network @returns {Promise<any[]>} what proves that the ledger forked */
export const evidenceOf = async (network) => (await all('evidence')).filter((one) => one.network === network);

/** @param {string} note */
const bodyOf = (note) => parseCheckpoint(note).body;
/** @param {string} note */
const sizeOf = (note) => parseCheckpoint(note).size;

/** @param {Pin} pin @param {string} note is the pin from now on when it is newer, else leads to it */
async function keepNote(pin, note) {
  await put('notes', { place: `${pin.network}/${sizeOf(note)}`, note });
  if (sizeOf(note) >= sizeOf(pin.note)) await put('pins', { ...pin, note, seen: new Date().toISOString() });
}

/**
 * Refuse what was shown; where it contradicts what is held, both are kept.
 *
 * @param {Pin} pin
 * @param {string} shown
 * @param {string} code
 * @param {string | null} [proof]
 * @returns {Promise<never>}
 */
async function refuse(pin, shown, code, proof = null) {
  if (CONTRADICTIONS.has(code)) {
    const found = new Date().toISOString();
    await put('evidence', { found, network: pin.network, code, key: pin.key, held: pin.note, shown, proof });
  }
  throw new Forked(code);
}

/**
 * The proof that the ledger of now continues an older note, checked.
 *
 * @param {Pin} pin
 * @param {string} older
 * @param {{note: string, consistency: string}} shown
 * @returns {Promise<string>} the newer note
 */
async function continued(pin, older, shown) {
  let proof;
  try {
    proof = await bytesOf(`${shown.consistency}?older=${encodeURIComponent(older)}`);
  } catch (error) {
    // The server itself says that there is none: it has another past now.
    if (error instanceof Refused && CONTRADICTIONS.has(error.code)) await refuse(pin, shown.note, error.code);
    throw error;
  }
  const text = new TextDecoder().decode(proof);
  const answer = await verifyConsistency(proof, pin.key);
  if (!answer.ok) return refuse(pin, shown.note, answer.code, text);
  const parsed = decode(proof, 'Consistency');
  if (bodyOf(parsed.older) !== bodyOf(older)) await refuse(pin, shown.note, 'ledger.consistency_missing', text);
  return parsed.newer;
}

/**
 * Begin to hold a checkpoint: what is held before stays.
 *
 * @param {{network: string, note: string, key: string, policy: Pin['policy']}} shown
 * @returns {Promise<Pin>}
 */
export async function hold(shown) {
  const before = await pinOf(shown.network);
  if (before) {
    if (before.key !== shown.key) await refuse(before, shown.note, 'ledger.checkpoint_signature');
    return before;
  }
  const answer = await verifySignedCheckpoint(shown.note, shown.key);
  if (!answer.ok) throw new Forked(answer.code);
  const now = new Date().toISOString();
  const pin = { ...shown, since: now, seen: now };
  await put('pins', pin);
  await keepNote(pin, shown.note);
  return pin;
}

/**
 * See that a note is of the ledger this device holds; asks for the proofs it needs.
 *
 * @param {string} network
 * @param {string} note
 * @param {string} consistency address that takes `?older=`
 */
export async function link(network, note, consistency) {
  for (let round = 0; round < ROUNDS; round += 1) {
    const pin = /** @type {Pin} */ (await pinOf(network));
    const signed = await verifySignedCheckpoint(note, pin.key);
    if (!signed.ok) await refuse(pin, note, signed.code);
    const [held, shown] = [sizeOf(pin.note), sizeOf(note)];
    const known = await get('notes', `${network}/${shown}`);
    if (known) {
      if (bodyOf(known.note) !== bodyOf(note)) await refuse(pin, note, 'ledger.checkpoint_inconsistent');
      await keepNote(pin, note);
      return;
    }
    const newer = await continued(pin, held < shown ? pin.note : note, { note, consistency });
    if (held < shown) {
      // The newer note continues what is held here; the next round compares the one shown with it.
      if (sizeOf(newer) < shown) await refuse(pin, note, 'ledger.log_shorter_than_checkpoint');
      await keepNote(pin, newer);
      continue;
    }
    // An older note is of this ledger when the newest continues both it and what is held here.
    await link(network, newer, consistency);
    await keepNote(pin, note);
    return;
  }
  throw new Forked('ledger.consistency_missing');
}

/** @param {Uint8Array} bytes a receipt @returns {string} its signed note; '' where it cannot be read, which `check` says */
export function noteOf(bytes) {
  try {
    return decode(bytes, 'Receipt').checkpoint;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return '';
  }
}

/**
 * Check a receipt with nothing but what this device has: the key and the notes it holds.
 *
 * @param {string} network
 * @param {Uint8Array} bytes
 * @param {'pl' | 'en'} language
 * @returns {Promise<{ok: boolean, code: string, refused: string, checked: string[], unchecked: string[], facts: any}>}
 */
export async function check(network, bytes, language) {
  const pin = await pinOf(network);
  const receipt = await verifyReceipt(bytes, pin ? { checkpointKey: pin.key } : {});
  if (!pin || !receipt.ok) return told(receipt, language, bytes);
  const { checkpoint } = decode(bytes, 'Receipt');
  const known = await get('notes', `${network}/${sizeOf(checkpoint)}`);
  // A note that leads to the pin was compared with it when it came.
  const base = { checkpointKey: pin.key, held: known ? known.note : pin.note };
  if (pin.policy) {
    const whole = await verifyReceipt(bytes, { ...base, policy: pin.policy });
    if (whole.ok || whole.code !== 'witness.not_final') return told(whole, language, bytes);
  }
  return told(await verifyReceipt(bytes, base), language, bytes);
}

/** @param {any} answer @param {'pl' | 'en'} language @param {Uint8Array} bytes */
function told(answer, language, bytes) {
  const said = explain(answer, language);
  return { ...said, ok: answer.ok, code: answer.code, facts: answer.ok ? answer.value : null, bytes };
}
