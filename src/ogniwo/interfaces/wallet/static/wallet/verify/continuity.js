/** Whether two checkpoints are of one log, of which the newer only added to the older. */
import { fromHex } from './bytes.js';
import { parseVerifierKey, sameCheckpoint, verifyCheckpoint } from './checkpoints.js';
import { decode } from './documents.js';
import { consistent } from './merkle.js';
import { demand } from './refusal.js';

/** @typedef {import('./checkpoints.js').Checkpoint} Checkpoint */
/** @typedef {import('./checkpoints.js').NamedKey} NamedKey */

/** @param {Checkpoint} older @param {Checkpoint} newer @param {Uint8Array[]} proof */
async function demandContinues(older, newer, proof) {
  demand(older.origin === newer.origin, 'ledger.checkpoint_inconsistent', 'the checkpoints are of two networks');
  const grew = older.size <= newer.size;
  demand(grew, 'ledger.log_shorter_than_checkpoint', 'the newer checkpoint has fewer entries than the older');
  const holds = await consistent({
    oldSize: older.size,
    newSize: newer.size,
    proof,
    oldRoot: older.root,
    newRoot: newer.root,
  });
  const detail = `the log of ${newer.size} entries does not continue the one of ${older.size}`;
  demand(holds, 'ledger.checkpoint_inconsistent', detail);
}

/**
 * The older and the newer checkpoint of a consistency proof (canonical JSON) that holds under a trusted key.
 *
 * @param {Uint8Array} document
 * @param {NamedKey} key
 * @returns {Promise<{older: Checkpoint, newer: Checkpoint}>}
 */
async function checked(document, key) {
  const parsed = decode(document, 'Consistency');
  const older = await verifyCheckpoint(parsed.older, key);
  const newer = await verifyCheckpoint(parsed.newer, key);
  await demandContinues(older, newer, parsed.proof.map(fromHex));
  return { older, newer };
}

/**
 * The same for a published key.
 *
 * @param {Uint8Array} document
 * @param {string} checkpointKey `name+hash+key`
 */
export async function checkConsistency(document, checkpointKey) {
  return checked(document, await parseVerifierKey(checkpointKey));
}

/**
 * The checkpoint `shown`, if it is of the same log as the one `held` here; either may be the newer one.
 *
 * @param {string} shown signed note
 * @param {{held: string, checkpointKey: string, proof?: Uint8Array}} known
 * @returns {Promise<Checkpoint>}
 */
export async function checkAgainstHeld(shown, { held, checkpointKey, proof }) {
  const key = await parseVerifierKey(checkpointKey);
  const known = await verifyCheckpoint(held, key);
  const found = await verifyCheckpoint(shown, key);
  const forked = known.origin !== found.origin || (known.size === found.size && !sameCheckpoint(known, found));
  demand(!forked, 'ledger.checkpoint_inconsistent', `two roots for ${known.size} entries: the log was forked`);
  if (sameCheckpoint(known, found)) return found;
  const missing = 'ledger.consistency_missing';
  demand(proof !== undefined, missing, `nothing leads from ${known.size} entries to ${found.size}`);
  const pair = await checked(/** @type {Uint8Array} */ (proof), key);
  const [older, newer] = known.size < found.size ? [known, found] : [found, known];
  const about = sameCheckpoint(pair.older, older) && sameCheckpoint(pair.newer, newer);
  demand(about, missing, 'the proof is about other checkpoints');
  return found;
}
