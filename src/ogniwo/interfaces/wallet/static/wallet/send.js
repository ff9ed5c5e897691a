/** Send: fill in, review what will be signed, confirm with this device's key, receipt. */
import { keyOf, randomHex } from './device.js';
import { Forked, check, evidenceOf, hold, link, noteOf } from './pin.js';
import { Unreachable, amountText, ask, bytesOf, groszeOf, language, maybe, onPress, one } from './page.js';
import { reason, refusedText, say, show, tell, timeText, wallet } from './page.js';
import { committed, deliver, operationOf, signed, unanswered } from './payments.js';
import { all, get, put } from './store.js';
import { decode } from './verify/documents.js';

const DAY_S = 86_400;

/** @type {{draft: string, bytes: Uint8Array<ArrayBuffer>, words: any, shown: any, taker: any} | undefined} */
let review;

/** @param {string} number @returns {string} */
const contactPlace = (number) => `${wallet.wallet}/${number}`;

/** @param {string} text a link of ours, as in a payment code; fills the form */
function takeCode(text) {
  let address;
  try {
    address = new URL(text.trim());
  } catch {
    return false;
  }
  const [code] = wallet.wallet.split('/');
  if (address.origin !== location.origin || address.pathname !== `/pay/${code}/`) return false;
  location.assign(`${location.pathname}${address.search}`);
  return true;
}

async function scan() {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const camera = one('#camera');
  show(one('#paste'));
  if (!Detector || !navigator.mediaDevices) {
    tell(say('no_camera'));
    one('#pasted').focus();
    return;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    tell(say('no_camera'));
    one('#pasted').focus();
    return;
  }
  camera.srcObject = stream;
  show(camera);
  await camera.play();
  const detector = new Detector({ formats: ['qr_code'] });
  for (let found = false; !found && !camera.hidden; ) {
    for (const code of await detector.detect(camera)) found ||= takeCode(code.rawValue);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  for (const track of stream.getTracks()) track.stop();
  show(camera, false);
}

/** @returns {Promise<{number: string, name: string, account: string, known: any} | null>} */
async function taker() {
  if (wallet.bill) return { number: '', name: wallet.bill.name, account: wallet.bill.account, known: null };
  const field = one('#to');
  const number = field.value.trim();
  if (!number) {
    tell(say('no_taker'), 'alarm');
    field.focus();
    return null;
  }
  const found = await ask(`${wallet.urls.taker}?number=${encodeURIComponent(number)}`);
  if (field.dataset.account && field.dataset.account !== found.account && field.defaultValue === field.value) {
    tell(say('code_account'), 'alarm');
    return null;
  }
  return { ...found, known: await get('contacts', contactPlace(found.number)) };
}

/** Show exactly what the bytes say that will be signed. */
function showReview() {
  if (!review) return;
  const payload = decode(review.bytes, 'Payload');
  const { taker: to } = review;
  one('#r-name').textContent = [to.number, to.name].filter(Boolean).join(' ');
  one('#r-account').textContent = payload.taker;
  one('#r-amount').textContent = `${amountText(payload.amount)} zł`;
  one('#r-text').textContent = wallet.bill ? wallet.bill.number : (review.words?.text ?? '–');
  show(one('#r-until-label'), Boolean(payload.until));
  show(one('#r-until'), Boolean(payload.until));
  one('#r-until').textContent = payload.until ? timeText(payload.until) : '';
  one('#r-left').textContent = `${amountText(wallet.available - payload.amount)} zł`;
  one('#r-raw').textContent = new TextDecoder().decode(review.bytes);
  const other = to.known && to.known.account !== to.account;
  show(one('#careful'), Boolean(other));
  one('#careful').textContent = other ? say('other_account', { number: to.number }) : '';
  show(one('#fill'), false);
  show(one('#review'));
  one('#review-title').focus();
}

async function toReview() {
  tell('');
  const amount = groszeOf(one('#amount').value);
  if (!amount) {
    tell(say('no_amount'), 'alarm');
    one('#amount').focus();
    return;
  }
  if (amount > wallet.available) {
    tell(say('too_much', { available: amountText(wallet.available) }), 'alarm');
    one('#amount').focus();
    return;
  }
  const to = await taker();
  if (!to) return;
  const text = maybe('#text') ? one('#text').value.trim() : '';
  const said = text ? await committed(text) : null;
  const references = [...(wallet.bill ? [wallet.bill.anchor] : []), ...(said ? [said.commitment] : [])];
  const days = maybe('#when') ? Number(one('#when').value) : 0;
  const until = days ? Math.floor(Date.now() / 1000) + days * DAY_S : 0;
  const bytes = operationOf(wallet, { taker: to.account, amount, references, until });
  const shown = { name: to.name, number: to.number, amount, until };
  review = { draft: randomHex(), bytes, words: said?.words ?? null, shown, taker: to };
  showReview();
}

/** @param {import('./payments.js').Payment} payment */
async function showDone(payment) {
  const { answer, shown, transaction } = payment;
  const done = payment.state === 'done';
  for (const part of ['#fill', '#review', '#waiting', '#have']) show(one(part), false);
  show(one('#done'));
  one('#done-title').textContent = done ? say(shown.until ? 'reserved' : 'paid') : say('not_paid');
  one('#done-text').textContent = done ? (answer.again ? say('was_paid') : '') : refusedText(answer);
  one('#d-name').textContent = [shown.number, shown.name].filter(Boolean).join(' ');
  one('#d-amount').textContent = `${amountText(shown.amount)} zł`;
  const where = { height: answer.height, time: answer.time ? timeText(answer.time) : '' };
  one('#d-place').textContent = answer.height >= 0 ? say('block', where) : '–';
  one('#d-name-of').textContent = transaction;
  one('#d-check').href = `${one('#d-check').href.split('?')[0]}?transaction=${transaction}`;
  show(one('#d-check'), answer.height >= 0);
  one('#done-title').focus();
  document.documentElement.dataset.outcome = payment.state;
  if (done) await proven(transaction);
}

/** Check the receipt here, against what this device holds, and keep it. @param {string} transaction */
async function proven(transaction) {
  try {
    const bytes = await bytesOf(wallet.urls.receipt.replace('0'.repeat(64), transaction));
    await hold(await ask(wallet.urls.checkpoint));
    const note = noteOf(bytes);
    if (note) await link(wallet.network, note, wallet.urls.consistency);
    const answer = await check(wallet.network, bytes, language === 'en' ? 'en' : 'pl');
    one('#d-checked').textContent = answer.ok ? say('verified') : answer.refused;
    const place = `${wallet.wallet}/transaction/${transaction}`;
    const title = `${transaction.slice(0, 12)}…`;
    await put('receipts', { place, wallet: wallet.wallet, kind: 'transaction', title, bytes, saved: new Date().toISOString() });
  } catch (error) {
    if (!(error instanceof Forked || error instanceof Unreachable)) throw error;
    one('#d-checked').textContent = error instanceof Forked ? say('forked') : say('unverified');
  }
}

/** @param {import('./payments.js').Payment} payment */
async function finish(payment) {
  try {
    const settled = await deliver(payment, wallet.urls.submit);
    if (settled.state === 'done' && review && review.taker.number) {
      const { number, name, account } = review.taker;
      await put('contacts', { place: contactPlace(number), wallet: wallet.wallet, number, name, account });
    }
    await showDone(settled);
  } catch (error) {
    showWaiting(payment);
    tell(error instanceof Unreachable ? say('unknown') : reason(error), 'alarm');
    document.documentElement.dataset.outcome = 'unknown';
  }
}

async function confirm() {
  if (!review) return;
  const key = await keyOf(wallet.wallet);
  if (!key) {
    tell(say('no_key'), 'alarm');
    return;
  }
  // Kept before it is sent: from here on a lost answer, a reload or a second press finds this very payment.
  await finish(await signed(key, review));
}

/** @param {import('./payments.js').Payment} payment */
function showWaiting(payment) {
  const { amount, name, number } = payment.shown;
  for (const part of ['#fill', '#review']) show(one(part), false);
  show(one('#waiting'));
  one('#waiting-text').textContent = say('resumed', { amount: amountText(amount), name: `${number} ${name}`.trim() });
}

async function showContacts() {
  const mine = (await all('contacts')).filter((each) => each.wallet === wallet.wallet);
  if (!mine.length || !maybe('#contacts')) return;
  for (const each of mine) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = `${each.number} ${each.name}`;
    button.addEventListener('click', () => {
      one('#to').value = each.number;
      one('#amount').focus();
    });
    const item = document.createElement('li');
    item.append(button);
    one('#contact-list').append(item);
  }
  show(one('#contacts'));
}

async function begin() {
  if (!maybe('#fill')) return;
  const key = await keyOf(wallet.wallet);
  show(one('#no-key'), wallet.acts && key?.state !== 'enrolled');
  if ((await evidenceOf(wallet.network)).length) {
    tell(say('forked'), 'alarm');
    show(one('#fill'), false);
    return;
  }
  await showContacts();
  onPress(one('#to-review'), toReview);
  onPress(one('#confirm'), confirm);
  onPress(one('#back'), async () => {
    show(one('#review'), false);
    show(one('#fill'));
    one('#amount').focus();
  });
  if (maybe('#scan')) {
    onPress(one('#scan'), scan);
    one('#pasted').addEventListener('change', () => {
      if (!takeCode(one('#pasted').value)) tell(say('no_code'), 'alarm');
    });
  }
  onPress(one('#waiting-go'), async () => {
    const [payment] = await unanswered(wallet.wallet);
    if (payment) await finish(payment);
    else tell(say('nothing_due'));
  });
  const [payment] = await unanswered(wallet.wallet);
  if (payment) {
    showWaiting(payment);
    if (navigator.onLine) await finish(payment);
  }
}

await begin();
document.documentElement.dataset.ready = 'yes';
