/**
 * Payments that outlive their page: signed once, kept before they are sent, sent again unchanged until there is an
 * answer. The ledger counts an id once, so that nothing is paid twice.
 */
import { framed, nameOf, payloadOf, signBytes } from './device.js';
import { add, all, put } from './store.js';
import { Refused, Unreachable, ask } from './page.js';
import { encode } from './verify/documents.js';
import { fromHex, hex, sha256 } from './verify/bytes.js';

/**
 * @typedef {object} Payment
 * @property {string} draft
 * @property {string} wallet
 * @property {'signed' | 'done' | 'refused'} state
 * @property {string} envelope
 * @property {string} transaction
 * @property {{salt: string, text: string} | null} words
 * @property {{name: string, number: string, amount: number, until: number}} shown
 * @property {string} made
 * @property {any} [answer]
 * @property {string} [contract] the contract that was signed: no payment, and its own page sends it
 */

/** @param {string} text @returns {Promise<{words: {salt: string, text: string}, commitment: string}>} */
export async function committed(text) {
  const salt = hex(crypto.getRandomValues(new Uint8Array(16)));
  const document = encode({ schema: 'ogniwo.payment-text/1', text });
  return { words: { salt, text }, commitment: hex(await sha256(fromHex(salt), document)) };
}

/**
 * What is to be signed: a payment at once, or a reservation until a time.
 *
 * @param {{account: string, network: string, asset: string}} wallet
 * @param {{taker: string, amount: number, references: string[], until: number}} wish
 */
export function operationOf(wallet, { taker, amount, references, until }) {
  if (until) {
    const fields = { amount, asset: wallet.asset, giver: wallet.account, taker, until };
    return framed(wallet, { op: 'hold', references, ...fields });
  }
  const sources = [{ account: wallet.account, asset: wallet.asset, cap: 0 }];
  return framed(wallet, { op: 'pay', references, amount, sources, taker });
}

/**
 * Sign a payment and keep it; a second time for the same draft gives the one that is there.
 *
 * @param {import('./device.js').DeviceKey} key
 * @param {{draft: string, bytes: Uint8Array<ArrayBuffer>, words: Payment['words'], shown: Payment['shown']}} review
 * @returns {Promise<Payment>}
 */
export async function signed(key, { draft, bytes, words, shown }) {
  const envelope = await signBytes(key, bytes);
  const transaction = await nameOf(bytes);
  const made = new Date().toISOString();
  /** @type {Payment} */
  const payment = { draft, wallet: key.wallet, state: 'signed', envelope, transaction, words, shown, made };
  if (await add('payments', payment)) return payment;
  return (await all('payments')).find((one) => one.draft === draft);
}

/** @param {string} wallet @returns {Promise<Payment[]>} payments without an answer, oldest first */
export async function unanswered(wallet) {
  const mine = (await all('payments')).filter((one) => one.wallet === wallet && one.state === 'signed' && !one.contract);
  return mine.sort((left, right) => (left.made < right.made ? -1 : 1));
}

/**
 * Send a kept payment; raises Unreachable when there is no answer, and it stays to be sent again.
 *
 * @param {Payment} payment
 * @param {string} address
 * @returns {Promise<Payment>} done or refused
 */
export async function deliver(payment, address) {
  let answer;
  try {
    answer = await ask(address, { envelope: payment.envelope, words: payment.words });
  } catch (error) {
    if (error instanceof Unreachable || !(error instanceof Refused)) throw error;
    // Signed out: the payment waits for its member to come back.
    if (error.code === 'wallet.signed_out' || error.code.startsWith('http.')) throw error;
    answer = { code: error.code, meaning: error.meaning, transaction: payment.transaction, height: -1 };
  }
  if (answer.transaction !== payment.transaction) throw new Unreachable('another transaction');
  /** @type {Payment} */
  const settled = { ...payment, state: answer.code === 'accepted' ? 'done' : 'refused', answer };
  await put('payments', settled);
  return settled;
}

/** @param {Payment} payment @returns {any} what was signed */
export const signedPayload = (payment) => payloadOf(payment.envelope);
