/** Receipts: everything somebody without access needs to check one transaction offline (docs/ledger.md). */
import { fromHex, hex, sha256 } from './bytes.js';
import { demandFinal, parseVerifierKey, verifyCheckpoint } from './checkpoints.js';
import { checkAgainstHeld } from './continuity.js';
import { decode, encode, encodeDocument } from './documents.js';
import { includes, leafHash } from './merkle.js';
import { demand } from './refusal.js';
import { admitTransaction, signedDays } from './transactions.js';

/** @typedef {import('./signing.js').Transaction} Transaction */
/** @typedef {{step: string, facts: {[name: string]: string | number}}} Step `step` and `facts` fill sentences.js */

/**
 * What the reader knows from elsewhere than the receipt.
 *
 * @typedef {object} Known
 * @property {string} [checkpointKey] `name+hash+key`; without it the key inside the receipt is taken, and said so
 * @property {{witnesses: string[], quorum: number}} [policy]
 * @property {string} [held] a signed note seen before; the receipt's checkpoint must be of the same log
 * @property {Uint8Array} [consistency] the proof between the two
 */

/** @param {unknown} holds @param {string} detail */
function want(holds, detail) {
  demand(holds, 'ledger.bad_receipt', detail);
}

/** @param {any} record @param {string} reader @returns {Step} */
function readingStep({ point, day, total_wh: wh }, reader) {
  return { step: 'reading', facts: { point, day, wh, reader } };
}

/** @param {Transaction} transaction @returns {Step[]} one sentence for one day, and one for many together */
function readingSteps({ payload, readers }) {
  const records = signedDays(payload).map((day) => day.record);
  if (records.length < 2) return records.map((record, at) => readingStep(record, readers[at]));
  const days = records.map((record) => record.day).sort();
  const points = [...new Set(records.map((record) => record.point))].join(', ');
  const keys = [...new Set(readers)].join(', ');
  const facts = { count: days.length, points, first: days[0], last: days[days.length - 1], readers: keys };
  return [{ step: 'readings', facts }];
}

/** @param {any} part @param {Transaction} transaction @returns {Promise<Step[]>} */
async function checkInterval(part, { payload, readers }) {
  const days = signedDays(payload);
  want(days.length, 'an interval belongs to a minted day');
  want(
    days.some(({ record }) => record.channel === part.leaf.channel),
    'the interval is of another channel',
  );
  const leaf = await leafHash(encode(part.leaf));
  const proof = part.proof.map(fromHex);
  for (const [at, { record }] of days.entries()) {
    const root = fromHex(record.merkle_root);
    const same = record.channel === part.leaf.channel;
    if (!same || !(await includes({ leaf, index: part.index, size: record.leaf_count, proof, root }))) continue;
    const { start, wh, quality } = part.leaf;
    const day = days.length > 1 ? [readingStep(record, readers[at])] : [];
    return [...day, { step: 'interval', facts: { point: record.point, start, wh, quality } }];
  }
  want(false, "the interval is not under the day's root");
  return [];
}

/** @param {any} part @param {any} payload @returns {Promise<Step>} */
async function checkDocument(part, payload) {
  want(payload.op === 'anchor', 'a document belongs to an anchor');
  const commitment = hex(await sha256(fromHex(part.salt), encodeDocument(part.content)));
  want(commitment === payload.commitment, 'the document is not the one that was anchored');
  return { step: 'document', facts: { kind: payload.kind } };
}

/** @param {any} receipt @param {Transaction} transaction @param {string} keyText @returns {Promise<Step[]>} */
async function checkLog(receipt, transaction, keyText) {
  want(!transaction.openChecks.length, "a signer's public key is missing");
  const { entry } = receipt;
  const same = entry.transaction === transaction.transaction && entry.envelope === transaction.digest;
  want(same, 'the log entry is about another transaction');
  const checkpoint = await verifyCheckpoint(receipt.checkpoint, await parseVerifierKey(keyText));
  want(checkpoint.origin === transaction.payload.network, 'the checkpoint is of another network');
  const included = await includes({
    leaf: await leafHash(encode(entry)),
    index: receipt.log_index,
    size: checkpoint.size,
    proof: receipt.inclusion.map(fromHex),
    root: checkpoint.root,
  });
  want(included, "the log entry is not under the checkpoint's root");
  return [
    { step: 'checkpoint', facts: { network: checkpoint.origin, size: checkpoint.size } },
    { step: 'log', facts: { index: receipt.log_index, outcome: entry.outcome, time: entry.time } },
  ];
}

/**
 * Check every step of a receipt; refuses at the first that fails.
 *
 * @param {Uint8Array} data
 * @param {Known} [known]
 * @returns {Promise<{transaction: Transaction, checked: Step[], unchecked: Step[]}>} what was checked and what was not
 */
export async function checkReceipt(data, known = {}) {
  const receipt = decode(data, 'Receipt');
  if (receipt.document) encodeDocument(receipt.document.content);
  const transaction = await admitTransaction(encode(receipt.envelope), receipt.keys);
  const { payload } = transaction;
  const keyText = known.checkpointKey ?? receipt.checkpoint_key;
  const facts = { operation: payload.op, account: payload.account, signers: transaction.signers.join(', ') };
  /** @type {Step[]} */
  const checked = [{ step: 'signatures', facts }, ...(await checkLog(receipt, transaction, keyText))];
  /** @type {Step[]} */
  const unchecked = [{ step: 'holder', facts: {} }];
  const readings = readingSteps(transaction);
  checked.push(...readings);
  if (readings.length) unchecked.push({ step: 'meter', facts: {} });
  if (receipt.interval) checked.push(...(await checkInterval(receipt.interval, transaction)));
  if (receipt.document) checked.push(await checkDocument(receipt.document, payload));
  else if (payload.op === 'anchor') unchecked.push({ step: 'document', facts: { kind: payload.kind } });
  if (known.checkpointKey === undefined) unchecked.push({ step: 'checkpoint_key', facts: {} });
  if (known.policy) {
    const cosigners = await demandFinal(receipt.checkpoint, known.policy);
    const names = cosigners.map((one) => one.name).join(', ');
    checked.push({ step: 'witnesses', facts: { names, count: cosigners.length, quorum: known.policy.quorum } });
  } else unchecked.push({ step: 'witnesses', facts: {} });
  if (known.held === undefined) unchecked.push({ step: 'continuity', facts: {} });
  else {
    const { held, consistency: proof } = known;
    const shown = await checkAgainstHeld(receipt.checkpoint, { held, checkpointKey: keyText, proof });
    checked.push({ step: 'continuity', facts: { size: shown.size } });
  }
  return { transaction, checked, unchecked };
}

