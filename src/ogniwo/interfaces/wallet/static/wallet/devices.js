/** The devices page: makes this device's key, lets others in, ends keys; every signature is made here. */
import { addSignature, forgetKey, framed, keyOf, makeKey, payloadOf, publicJwk, setState, signBytes } from './device.js';
import { Refused, ask, groszeOf, maybe, onPress, one, say, show, tell, wallet } from './page.js';
import { utf8 } from './verify/bytes.js';
import { keyId } from './verify/signing.js';

const RELOAD_MS = 1_200;

/** @param {string} text say it, then show the page anew */
function after(text) {
  tell(text);
  setTimeout(() => location.reload(), RELOAD_MS);
}

/** @param {{[field: string]: unknown}} operation signed by this device and put on the ledger */
async function act(operation) {
  const key = await keyOf(wallet.wallet);
  if (!key) throw new Refused('wallet.no_key', say('no_key'));
  const said = await ask(wallet.urls.submit, { envelope: await signBytes(key, framed(wallet, operation)) });
  if (said.code !== 'accepted') throw new Refused(said.code, said.detail, said);
}

/** @param {any} payload @param {string} kid whether it registers this key for this account, and nothing else */
async function isOffered(payload, kid) {
  const kinds = ['register_key', 'start_recovery'];
  const own = payload.subject === wallet.account && payload.network === wallet.network;
  return own && kinds.includes(payload.op) && (await keyId(payload.key)) === kid;
}

/** @param {'first' | 'further' | 'recover'} way */
async function enrol(way) {
  const name = one('#device-name').value.trim();
  if (!name) {
    one('#device-name').focus();
    return;
  }
  let key = await makeKey(wallet.wallet, name);
  if (wallet.kids[key.kid] === 'revoked') {
    // A key that has ended is of no more use: this device begins with a new one.
    await forgetKey(wallet.wallet);
    key = await makeKey(wallet.wallet, name);
  }
  const { payload } = await ask(wallet.urls.offer, { key: await publicJwk(key.keys.publicKey), way });
  const bytes = utf8(payload);
  const envelope = await signBytes(key, bytes);
  if (!(await isOffered(payloadOf(envelope), key.kid))) {
    tell(say('mismatch'), 'alarm');
    return;
  }
  await ask(wallet.urls.enrol, { envelope, name, way });
  await setState(key, way === 'first' ? 'enrolled' : 'asked');
  after(say({ first: 'enrolled', further: 'asked', recover: 'asked_office' }[way]));
}

/** @param {string} kid */
async function letIn(kid) {
  const key = await keyOf(wallet.wallet);
  if (!key) throw new Refused('wallet.no_key', say('no_key'));
  const envelope = wallet.requests[kid];
  const payload = payloadOf(envelope);
  const fits = payload.op === 'register_key' && payload.account === wallet.account && payload.purpose === 'transaction';
  if (!fits || !(await isOffered(payload, kid))) {
    tell(say('mismatch'), 'alarm');
    return;
  }
  const said = await ask(wallet.urls.submit, { envelope: await addSignature(key, envelope) });
  if (said.code !== 'accepted') throw new Refused(said.code, said.detail, said);
  after(say('let_in'));
}

/** @param {string} kid by this device where it can, else by the organisation for who is signed in */
async function revoke(kid) {
  const key = await keyOf(wallet.wallet);
  if (key && wallet.kids[key.kid] === 'works') await act({ op: 'revoke_key', kid });
  else await ask(wallet.urls.revoke, { kid });
  if (key?.kid === kid) await forgetKey(wallet.wallet);
  after(say('ended'));
}

async function stop() {
  const key = await keyOf(wallet.wallet);
  if (key && wallet.kids[key.kid] === 'works') await act({ op: 'stop_recovery', subject: wallet.account });
  else await ask(wallet.urls.stop, {});
  after(say('stopped'));
}

async function setLimits() {
  const [once, day] = [groszeOf(one('#limit-once').value), groszeOf(one('#limit-day').value)];
  if (once === null || day === null) {
    one(once === null ? '#limit-once' : '#limit-day').focus();
    return;
  }
  const { kid } = one('#limit-form').dataset;
  await act({ op: 'set_key_limits', kid, limits: [{ asset: wallet.asset, per_day: day, per_transfer: once }] });
  location.reload();
}

/** @param {string} attribute @param {(value: string, button: HTMLButtonElement) => void | Promise<void>} work */
function each(attribute, work) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(`[${attribute}]`))) {
    onPress(button, async () => work(button.getAttribute(attribute) ?? '', button));
  }
}

/** Ask before a key is ended. @param {string} kid @param {HTMLButtonElement} button */
function askToRevoke(kid, button) {
  const dialog = one('#revoke');
  one('#revoke-name').textContent = button.dataset.name;
  dialog.dataset.kid = kid;
  dialog.showModal();
}

/** @param {string} kid */
function askForLimits(kid) {
  one('#limit-form').dataset.kid = kid;
  show(one('#limit-form'));
  one('#limit-once').focus();
}

async function begin() {
  if (!maybe('#setup')) return;
  let key = await keyOf(wallet.wallet);
  const standing = key ? wallet.kids[key.kid] : undefined;
  const works = standing === 'works';
  if (key && works && key.state !== 'enrolled') key = (await setState(key, 'enrolled'), await keyOf(wallet.wallet));
  const asks = key?.state === 'asked' && !works && standing !== 'revoked' &&
    (key.kid in wallet.requests || wallet.waiting === key.kid || wallet.way === 'recover');
  show(one('#ready'), works);
  show(one('#setup'), wallet.acts && !works);
  show(one(`#setup-${wallet.way}`), !works && !asks);
  show(one('#setup-asked'), Boolean(asks));
  show(one('#setup-lost'), wallet.way === 'further');
  if (key) one('[data-own-kid]').textContent = key.kid.slice(0, 8);
  for (const shown of document.querySelectorAll('[data-this]')) {
    show(shown, shown.closest('[data-device]')?.getAttribute('data-device') === key?.kid);
  }
  for (const button of document.querySelectorAll('[data-let-in], [data-limit]')) show(button, works);
  onPress(one('#setup-go'), () => enrol(wallet.way));
  onPress(one('#setup-lost'), () => enrol('recover'));
  each('data-let-in', letIn);
  each('data-turn-away', async (kid) => {
    await ask(wallet.urls.turn_away, { kid });
    after(say('turned_away'));
  });
  each('data-revoke', askToRevoke);
  each('data-limit', askForLimits);
  each('data-stop', stop);
  each('data-finish', async () => {
    await ask(wallet.urls.finish, {});
    after(say('finished'));
  });
  if (!maybe('#revoke')) return;
  onPress(one('#revoke-go'), async () => {
    const { kid } = one('#revoke').dataset;
    one('#revoke').close();
    await revoke(kid);
  });
  onPress(one('#revoke-no'), async () => one('#revoke').close());
  onPress(one('#limit-go'), setLimits);
}

await begin();
document.documentElement.dataset.ready = 'yes';
