/** One contract: review what will be signed, sign it with this device's key, send it until there is an answer. */
import { keyOf, nameOf, signBytes } from './device.js';
import { Refused, Unreachable, ask, bytesOf, maybe, onPress, one, reason, refusedText, say, show, tell, timeText, wallet } from './page.js';
import { add, all, drop, put } from './store.js';
import { fromHex, hex, sha256, utf8 } from './verify/bytes.js';
import { decode, encode } from './verify/documents.js';

/** @typedef {import('./payments.js').Payment} Kept a signature kept beside the payments until it has its answer */

/** @type {{bytes: Uint8Array<ArrayBuffer>, said: any} | undefined} */
let review;

/**
 * Whether the bytes sign this contract for this account, with the document and the terms that are shown, and no more.
 *
 * @param {any} said
 * @returns {Promise<boolean>}
 */
async function fits(said) {
  const { salt, terms } = JSON.parse(wallet.salted);
  const document = hex(await sha256(await bytesOf(wallet.urls.pdf)));
  const commitment = hex(await sha256(fromHex(salt), encode(terms)));
  const own = said.op === 'sign_contract' && said.account === wallet.account && said.network === wallet.network;
  const plain = said.reason === '' && said.references.length === 0;
  return own && plain && said.contract === wallet.contract && said.document === document && said.terms === commitment;
}

async function toReview() {
  tell('');
  if (!(await keyOf(wallet.wallet))) {
    show(one('#no-key'));
    tell(say('no_key'), 'alarm');
    return;
  }
  const { payload } = await ask(wallet.urls.offer, { contract: wallet.contract });
  const bytes = utf8(payload);
  const said = decode(bytes, 'Payload');
  if (!(await fits(said))) {
    tell(say('mismatch'), 'alarm');
    return;
  }
  review = { bytes, said };
  one('#r-account').textContent = said.account;
  one('#r-contract').textContent = said.contract;
  one('#r-document').textContent = said.document;
  one('#r-terms').textContent = said.terms;
  one('#r-until').textContent = timeText(said.expires);
  one('#r-raw').textContent = payload;
  show(one('#fill'), false);
  show(one('#review'));
  one('#review-title').focus();
}

/** @returns {Promise<Kept | undefined>} the signature of this contract that has no answer yet */
async function unanswered() {
  const kept = /** @type {Kept[]} */ (await all('payments'));
  return kept.find((each) => each.wallet === wallet.wallet && each.contract === wallet.contract && each.state === 'signed');
}

/** @param {Kept} kept */
function showDone({ answer, state, transaction }) {
  const done = state === 'done';
  for (const part of ['#fill', '#review', '#waiting']) show(one(part), false);
  show(one('#done'));
  one('#done-title').textContent = say(done ? 'signed' : 'not_signed');
  one('#done-text').textContent = done ? (answer.again ? say('was_signed') : '') : refusedText(answer);
  const where = { height: answer.height, time: answer.time ? timeText(answer.time) : '' };
  one('#d-place').textContent = answer.height >= 0 ? say('block', where) : '–';
  one('#d-name-of').textContent = transaction;
  one('#done-title').focus();
  document.documentElement.dataset.outcome = state;
}

/** Whether the member has to come back before the server answers. @param {unknown} error */
const isSignedOut = (error) =>
  error instanceof Refused && (error.code.startsWith('wallet.sign') || error.code.startsWith('http.'));

/** @param {Kept} kept @returns {Promise<any>} the server's answer, refusals too; raises what leaves it open */
async function answerTo(kept) {
  try {
    return await ask(wallet.urls.sign, { envelope: kept.envelope });
  } catch (error) {
    if (!(error instanceof Refused) || isSignedOut(error)) throw error;
    return { code: error.code, meaning: error.meaning, transaction: kept.transaction, height: -1 };
  }
}

/** @param {Kept} kept send it; without an answer it stays, to be sent again unchanged */
async function finish(kept) {
  try {
    const answer = await answerTo(kept);
    if (answer.transaction !== kept.transaction) throw new Unreachable('another transaction');
    /** @type {Kept} */
    const settled = { ...kept, state: answer.code === 'accepted' ? 'done' : 'refused', answer };
    await put('payments', settled);
    tell('');
    showDone(settled);
  } catch (error) {
    for (const part of ['#fill', '#review']) show(one(part), false);
    show(one('#waiting'));
    document.documentElement.dataset.outcome = 'unknown';
    if (isSignedOut(error)) throw error;
    tell(error instanceof Unreachable ? say('unknown') : reason(error), 'alarm');
  }
}

async function confirm() {
  if (!review) return;
  const key = await keyOf(wallet.wallet);
  if (!key) {
    tell(say('no_key'), 'alarm');
    return;
  }
  const { bytes, said } = review;
  /** @type {Kept} */
  const made = {
    draft: said.id,
    wallet: wallet.wallet,
    contract: wallet.contract,
    state: 'signed',
    envelope: await signBytes(key, bytes),
    transaction: await nameOf(bytes),
    words: null,
    shown: { name: '', number: '', amount: 0, until: 0 },
    made: new Date().toISOString(),
  };
  // Kept before it is sent: from here on a lost answer, a reload or a second press finds this very signature.
  if (await add('payments', made)) await finish(made);
}

async function begin() {
  if (!maybe('#fill')) {
    // It stands on the ledger, or can no longer be signed: what is still kept here has its answer.
    const over = await unanswered();
    if (over) await drop('payments', over.draft);
    return;
  }
  const key = await keyOf(wallet.wallet);
  show(one('#no-key'), key?.state !== 'enrolled');
  onPress(one('#to-review'), toReview);
  onPress(one('#confirm'), confirm);
  onPress(one('#back'), async () => {
    show(one('#review'), false);
    show(one('#fill'));
    one('#to-review').focus();
  });
  onPress(one('#waiting-go'), async () => {
    const kept = await unanswered();
    if (kept) await finish(kept);
    else location.reload();
  });
  const kept = await unanswered();
  if (!kept) return;
  show(one('#fill'), false);
  show(one('#waiting'));
  if (!navigator.onLine) return;
  try {
    await finish(kept);
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    tell(reason(error), 'alarm');
  }
}

await begin();
document.documentElement.dataset.ready = 'yes';
