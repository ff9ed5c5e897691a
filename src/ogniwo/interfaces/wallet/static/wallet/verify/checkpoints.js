/**
 * Signed notes of C2SP: checkpoints of the log (signed-note, tlog-checkpoint) with Ed25519, and the cosignatures of
 * witnesses over them (tlog-cosignature, cosignature/v1) with a policy of k of n.
 */
import { base64, equal, fromBase64, hex, sha256, utf8 } from './bytes.js';
import { Refusal, demand } from './refusal.js';

const NOTE_LENGTH_MAX = 65_536;
const LINE_PREFIX = '\u2014 ';
const LOG_KEY = 1;
const WITNESS_KEY = 4;
const INTEGER_LIMIT = BigInt(Number.MAX_SAFE_INTEGER);
const PRIME = 2n ** 255n - 19n;
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
/** The y coordinates of the points of small order. */
const SMALL_ORDER = new Set([0n, 1n, PRIME - 1n, ORDER_8, PRIME - ORDER_8]);
/** White space around a published key; the set that Python's `strip` takes. */
const BLANKS = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*';
const STRIPPED = new RegExp(`^${BLANKS}([\\s\\S]*?)${BLANKS}$`);

/** @typedef {{origin: string, size: number, root: Uint8Array<ArrayBuffer>, body: string}} Checkpoint */
/** @typedef {{name: string, key: Uint8Array<ArrayBuffer>, keyHash: Uint8Array<ArrayBuffer>}} NamedKey */
/** @typedef {{name: string, timeSeconds: number}} Cosigner */

/** @param {string} text @param {string} mark @returns {[string, string]} before and behind the first mark */
function parted(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** @param {Uint8Array} key Ed25519; anybody can sign for a point whose order divides eight @returns {boolean} */
function ofSmallOrder(key) {
  const number = BigInt(`0x${hex(Uint8Array.from(key).reverse())}`);
  return SMALL_ORDER.has(BigInt.asUintN(255, number) % PRIME);
}

/** @param {string} text @param {number} kind @returns {Promise<NamedKey | null>} null when form or hash do not fit */
async function readKey(text, kind) {
  const [name, rest] = parted(text, '+');
  const [hash, encoded] = parted(rest, '+');
  const raw = fromBase64(encoded);
  if (!name || raw === null || raw.length !== 33 || raw[0] !== kind || ofSmallOrder(raw.slice(1))) return null;
  const keyHash = (await sha256(utf8(`${name}\n`), raw)).slice(0, 4);
  return hex(keyHash) === hash ? { name, key: raw.slice(1), keyHash } : null;
}

/** @param {string} text `name+hash+key` @returns {Promise<NamedKey>} */
export async function parseVerifierKey(text) {
  const found = await readKey(text, LOG_KEY);
  if (!found) throw new Refusal('ledger.checkpoint_form', 'not a verifier key of the form name+hash+key for Ed25519');
  return found;
}

/** @param {string} text `name+hash+key` @returns {Promise<NamedKey>} */
export async function parseWitnessKey(text) {
  const stripped = /** @type {RegExpExecArray} */ (STRIPPED.exec(text))[1];
  const found = await readKey(stripped, WITNESS_KEY);
  if (!found) throw new Refusal('witness.not_a_key', 'not a witness key of the form name+hash+key');
  return found;
}

/** @param {string} note @returns {Checkpoint} read, not verified */
export function parseCheckpoint(note) {
  /** @param {unknown} holds @param {string} detail */
  const want = (holds, detail) => demand(holds, 'ledger.checkpoint_form', detail);
  want([...note].length <= NOTE_LENGTH_MAX, 'longer than a checkpoint may be');
  const [text, lines] = parted(note, '\n\n');
  want(lines.endsWith('\n'), 'no blank line between text and signatures');
  const signed = lines.slice(0, -1).split('\n').every((line) => line.startsWith(LINE_PREFIX));
  want(signed, 'a signature line begins with an em dash and a space');
  const [origin, size, encoded, ...rest] = text.split('\n');
  want(origin && encoded !== undefined && !rest.length, 'not a checkpoint of three lines: origin, size, root');
  const plain = /^(?:0|[1-9][0-9]{0,15})$/.test(size) && Number(size) <= Number.MAX_SAFE_INTEGER;
  want(plain, 'the size of a checkpoint is a plain number of at most 2^53 - 1');
  const root = fromBase64(encoded);
  if (root?.length !== 32) throw new Refusal('ledger.checkpoint_form', 'the root is not 32 bytes in base64');
  return { origin, size: Number(size), root, body: `${text}\n` };
}

/** @param {string} note @param {NamedKey} key @returns {Uint8Array<ArrayBuffer> | null} its first line, behind the hash */
function signatureBy(note, key) {
  for (const line of parted(note, '\n\n')[1].slice(0, -1).split('\n')) {
    const [signer, encoded] = parted(line.slice(LINE_PREFIX.length), ' ');
    const raw = fromBase64(encoded);
    // A line of a kind we do not know is passed over, as the specification says.
    if (raw !== null && signer === key.name && equal(raw.subarray(0, 4), key.keyHash)) return raw.slice(4);
  }
  return null;
}

/**
 * @param {Uint8Array<ArrayBuffer>} raw public key
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function ed25519(raw, signature, text) {
  const key = await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
  return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, utf8(text));
}

/** @param {string} note @param {NamedKey} key @returns {Promise<Checkpoint>} signed by this key */
export async function verifyCheckpoint(note, key) {
  const checkpoint = parseCheckpoint(note);
  const signature = signatureBy(note, key);
  if (!signature) throw new Refusal('ledger.checkpoint_signature', `no signature line by ${key.name}`);
  const holds = await ed25519(key.key, signature, checkpoint.body);
  demand(holds, 'ledger.checkpoint_signature', `the signature of ${key.name} is not over this text`);
  return checkpoint;
}

/** @param {string} note @param {NamedKey} key @returns {Promise<number | null>} when it signed, null if it did not */
export async function verifyCosignature(note, key) {
  const { body } = parseCheckpoint(note);
  const raw = signatureBy(note, key);
  if (raw === null) return null;
  const time = raw.length === 72 ? new DataView(raw.buffer).getBigUint64(0) : null;
  if (time === null || time > INTEGER_LIMIT) {
    throw new Refusal('witness.bad_cosignature', `the line of ${key.name} is no cosignature, or of no time`);
  }
  const holds = await ed25519(key.key, raw.slice(8), `cosignature/v1\ntime ${time}\n${body}`);
  demand(holds, 'witness.bad_cosignature', `the line of ${key.name} is not over this checkpoint`);
  return Number(time);
}

/**
 * Who of n witnesses signed, when they are at least k.
 *
 * @param {string} note
 * @param {{witnesses: string[], quorum: number}} policy published keys, and how many of them make it final
 * @returns {Promise<Cosigner[]>}
 */
export async function demandFinal(note, { witnesses, quorum }) {
  const keys = [];
  for (const text of witnesses) keys.push(await parseWitnessKey(text));
  const distinct = new Set(keys.map((key) => base64(key.key))).size;
  const once = distinct === keys.length && new Set(keys.map((key) => key.name)).size === keys.length;
  demand(once, 'witness.policy', 'a policy names each witness and each key once');
  const possible = Number.isSafeInteger(quorum) && quorum >= 1 && quorum <= keys.length;
  demand(possible, 'witness.policy', `a quorum of ${quorum} cannot be had of ${keys.length} witnesses`);
  const found = [];
  for (const key of keys) {
    const timeSeconds = await verifyCosignature(note, key);
    if (timeSeconds !== null) found.push({ name: key.name, timeSeconds });
  }
  demand(found.length >= quorum, 'witness.not_final', `${found.length} of the witnesses signed, ${quorum} are wanted`);
  return found;
}

/** @param {Checkpoint} left @param {Checkpoint} right whether both say the same of one log */
export function sameCheckpoint(left, right) {
  return left.body === right.body;
}

