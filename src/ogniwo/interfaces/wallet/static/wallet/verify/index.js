/**
 * The member's own check of what the ledger shows: receipts, checkpoints, witnesses, continuity. A second
 * implementation of what ogniwo.core.ledger does, without dependencies; it runs in browsers and in Node.
 *
 * Every `verify...` answers `{ok, code, detail}` with the codes of docs/codes.md, and `value` when ok; nothing is kept
 * between calls. Needs WebCrypto with ECDSA P-256 and Ed25519.
 */
import { base64url, fromBase64url, fromHex, hex } from './bytes.js';
import { demandFinal, parseVerifierKey, parseWitnessKey, verifyCheckpoint } from './checkpoints.js';
import { checkAgainstHeld, checkConsistency } from './continuity.js';
import { decodeDocument } from './documents.js';
import { consistent, includes, leafHash } from './merkle.js';
import { answer } from './refusal.js';
import { checkReceipt } from './receipts.js';
import { admitTransaction } from './transactions.js';

export { CODES, explain } from './sentences.js';
export { base64url, consistent, fromHex, hex, includes, leafHash };

/** @param {Uint8Array} data canonical JSON */
export const verifyDocument = (data) => answer(() => decodeDocument(data));

/** @param {string} text */
export const verifyBase64url = (text) => answer(() => fromBase64url(text));

/** @param {Uint8Array} envelope @param {import('./signing.js').PublicJwk[]} keys */
export const verifyTransaction = (envelope, keys) => answer(() => admitTransaction(envelope, keys));

/** @param {string} text `name+hash+key` of a network */
export const verifyLogKey = (text) => answer(() => parseVerifierKey(text));

/** @param {string} text `name+hash+key` of a witness */
export const verifyWitnessKey = (text) => answer(() => parseWitnessKey(text));

/** @param {string} note @param {string} checkpointKey `name+hash+key` */
export const verifySignedCheckpoint = (note, checkpointKey) =>
  answer(async () => verifyCheckpoint(note, await parseVerifierKey(checkpointKey)));

/** @param {string} note @param {{witnesses: string[], quorum: number}} policy */
export const verifyFinal = (note, policy) => answer(() => demandFinal(note, policy));

/** @param {Uint8Array} document @param {string} checkpointKey */
export const verifyConsistency = (document, checkpointKey) => answer(() => checkConsistency(document, checkpointKey));

/** @param {string} shown signed note @param {{held: string, checkpointKey: string, proof?: Uint8Array}} known */
export const verifyAgainstHeld = (shown, known) => answer(() => checkAgainstHeld(shown, known));

/** @param {Uint8Array} receipt @param {import('./receipts.js').Known} [known] */
export const verifyReceipt = (receipt, known) => answer(() => checkReceipt(receipt, known));
