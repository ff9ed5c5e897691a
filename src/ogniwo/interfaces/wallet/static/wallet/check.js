/** Verify: the device checks receipts against what it holds, says in words what it checked, and refuses a fork. */
import { Forked, check, evidenceOf, hold, link, noteOf, pinOf } from './pin.js';
import { Unreachable, ask, bytesOf, language, maybe, momentText, onPress, one, reason, say, show, tell, wallet } from './page.js';
import { all, drop, put } from './store.js';
import { parseCheckpoint } from './verify/checkpoints.js';

const WORDS = language === 'en' ? 'en' : 'pl';

/** @param {string} iso @returns {string} */
const when = (iso) => momentText(new Date(iso));

async function showHeld() {
  const pin = await pinOf(wallet.network);
  if (!pin) {
    one('#held').textContent = say('holds_nothing');
    return;
  }
  const { size } = parseCheckpoint(pin.note);
  one('#held').textContent = say('holds', { time: when(pin.seen), size, since: when(pin.since) });
  one('#held-key').textContent = say('key', { key: pin.key });
  const { policy } = pin;
  one('#held-witnesses').textContent = policy
    ? say('witnesses', { quorum: policy.quorum, count: policy.witnesses.length })
    : say('no_witnesses');
}

/** @returns {Promise<boolean>} whether this device has seen the ledger contradict itself */
async function showAlarm() {
  const found = await evidenceOf(wallet.network);
  show(one('#alarm'), found.length > 0);
  if (!found.length) return false;
  one('#alarm-title').textContent = say('forked_title');
  one('#alarm-text').textContent = say('forked');
  one('#alarm-code').textContent = say('code', { code: found[0].code });
  return true;
}

/** Look for what the ledger added, and refuse it when it does not continue what is held here. */
async function refresh() {
  try {
    const shown = await ask(wallet.urls.checkpoint);
    await hold(shown);
    await link(wallet.network, shown.note, wallet.urls.consistency);
    one('#held-fresh').textContent = say('fresh');
  } catch (error) {
    if (error instanceof Forked) document.documentElement.dataset.forked = error.message;
    else if (!(error instanceof Unreachable)) tell(reason(error), 'alarm');
  }
}

/** @param {any} answer @param {string} title */
function showResult(answer, title) {
  show(one('#result'));
  one('#result-title').textContent = title;
  one('#result-said').textContent = answer.ok ? say('good') : `${say('bad')} ${answer.refused}`;
  one('#result-said').className = answer.ok ? 'note' : 'note alarm';
  for (const [id, lines] of Object.entries({ '#result-checked': answer.checked, '#result-unchecked': answer.unchecked })) {
    one(id).replaceChildren(
      ...lines.map((/** @type {string} */ line) => Object.assign(document.createElement('li'), { textContent: line })),
    );
  }
  one('#result-not').textContent = say('not_checked');
  show(one('#result-not').parentElement, answer.unchecked.length > 0);
  document.documentElement.dataset.verdict = answer.code;
  one('#result-title').focus();
}

/** @param {string} kind @param {string} id @returns {string} */
function addressOf(kind, id) {
  if (kind === 'transaction') return wallet.urls.receipt.replace('0'.repeat(64), id);
  return `${wallet.urls[kind]}?id=${encodeURIComponent(id)}`;
}

/** @param {string} kind @param {string} id @param {string} name */
async function fetchAndCheck(kind, id, name) {
  tell('');
  delete document.documentElement.dataset.verdict;
  const title = say(kind, { name });
  const place = `${wallet.wallet}/${kind}/${id}`;
  const before = (await all('receipts')).find((each) => each.place === place);
  let bytes = before?.bytes;
  try {
    bytes = await bytesOf(addressOf(kind, id));
    await hold(await ask(wallet.urls.checkpoint));
    const note = noteOf(bytes);
    if (note) await link(wallet.network, note, wallet.urls.consistency);
  } catch (error) {
    if (error instanceof Forked) {
      document.documentElement.dataset.forked = error.message;
      await showAlarm();
      return;
    }
    if (!(error instanceof Unreachable) || !before) throw error;
  }
  const answer = await check(wallet.network, bytes, WORDS);
  if (answer.ok) {
    const saved = new Date().toISOString();
    await put('receipts', { place, wallet: wallet.wallet, kind, id, title: name, bytes, saved });
  }
  showResult(answer, title);
  await Promise.all([showHeld(), showKept()]);
}

/** @param {any} each a kept receipt, checked with nothing but what is here */
async function checkKept(each) {
  delete document.documentElement.dataset.verdict;
  showResult(await check(wallet.network, each.bytes, WORDS), say(each.kind, { name: each.title }));
}

async function showKept() {
  const mine = (await all('receipts')).filter((each) => each.wallet === wallet.wallet);
  one('#kept-none').textContent = say(mine.length ? 'kept' : 'nothing_kept');
  one('#kept').replaceChildren(
    ...mine.map((each) => {
      const item = document.createElement('li');
      const name = document.createElement('p');
      const title = say(each.kind, { name: each.title });
      name.textContent = `${title}, ${when(each.saved)}`;
      const buttons = document.createElement('p');
      buttons.className = 'choices';
      for (const [text, work] of /** @type {[string, () => Promise<void>][]} */ ([
        [say('again'), () => checkKept(each)],
        [say('remove'), () => drop('receipts', each.place).then(showKept)],
      ])) {
        const button = document.createElement('button');
        button.textContent = text;
        button.setAttribute('aria-label', `${text}: ${title}`);
        onPress(button, work);
        buttons.append(button);
      }
      item.append(name, buttons);
      return item;
    }),
  );
}

async function saveEvidence() {
  const found = await evidenceOf(wallet.network);
  const file = new Blob([JSON.stringify(found, null, 1)], { type: 'application/json' });
  const address = URL.createObjectURL(file);
  Object.assign(document.createElement('a'), { href: address, download: 'ogniwo-evidence.json' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function begin() {
  if (!maybe('#held')) return;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-check]'))) {
    const { check: kind = '', id = '', title = '' } = button.dataset;
    onPress(button, () => fetchAndCheck(kind, id, title));
  }
  if (maybe('#reading')) {
    onPress(one('#reading button'), () => {
      const at = one('#at').value;
      return fetchAndCheck('reading', `${one('#series').value}|${at}`, at.replace('T', ' '));
    });
  }
  onPress(one('#save'), saveEvidence);
  await showKept();
  if (!(await showAlarm())) await refresh();
  await showAlarm();
  await showHeld();
  // Who came from a bill or from a payment has asked already.
  const { searchParams } = new URL(location.href);
  const asked = searchParams.get('bill') ?? searchParams.get('transaction');
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-check]'));
  if (asked) [...buttons].find((each) => each.dataset.id === asked)?.click();
}

await begin();
document.documentElement.dataset.ready = 'yes';
