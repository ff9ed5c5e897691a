/** What the pages of the wallet share: their facts and texts, amounts, questions to the server, what is shown when. */

/** @param {string} id of a `<script type="application/json">` @returns {any} */
function facts(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent ?? 'null') : null;
}

/** What the server says of this wallet: wallet (CODE/NUMBER), account, network, urls; and the texts of the page. */
export const wallet = facts('wallet-facts');
export const texts = facts('wallet-texts') ?? {};
export const language = document.documentElement.lang || 'pl';

/** @param {string} name @param {{[name: string]: string | number}} [values] @returns {string} a text with its values */
export function say(name, values = {}) {
  return String(texts[name] ?? name).replace(/%\((\w+)\)s/g, (_, key) => String(values[key] ?? ''));
}

/** @param {string} selector @returns {any} the first element, which has to be there */
export function one(selector) {
  const found = document.querySelector(selector);
  if (!found) throw new TypeError(`no ${selector} on this page`);
  return found;
}

/** @param {string} selector */
export const maybe = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

/** @param {Element} element @param {boolean} shown */
export function show(element, shown = true) {
  element.toggleAttribute('hidden', !shown);
}

/** @param {string} text @param {'' | 'warn' | 'alarm'} [kind] tell it where screen readers hear it */
export function tell(text, kind = '') {
  const place = one('#said');
  place.className = text ? `note ${kind}`.trim() : '';
  place.textContent = text;
}

/** @param {number} amount minor units @param {number} [decimals] @returns {string} */
export function amountText(amount, decimals = 2) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(language, digits).format(amount / 10 ** decimals);
}

/** @param {string} text with a comma or a point @returns {number | null} grosze; null for what is no amount */
export function groszeOf(text) {
  const plain = text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.');
  if (!/^\d{1,9}(?:\.\d{1,2})?$/.test(plain)) return null;
  const [whole, part = ''] = plain.split('.');
  return Number(whole) * 100 + Number(part.padEnd(2, '0'));
}

/**
 * An instant as everywhere on the pages, `2026-11-06 10:00` in Polish time, with joiners that keep a date in one line:
 * sentences are set as plain text, which can hold no element.
 * @param {Date | number} instant @returns {string}
 */
export function momentText(instant) {
  const form = /** @type {const} */ ({ dateStyle: 'short', timeStyle: 'short', timeZone: 'Europe/Warsaw' });
  return new Intl.DateTimeFormat('sv-SE', form).format(instant).replaceAll('-', '-\u2060');
}

/** @param {number} seconds since 1970 @returns {string} */
export const timeText = (seconds) => momentText(seconds * 1000);

/** The server could not be reached, or its answer was lost: nobody knows what happened. */
export class Unreachable extends Error {}

/** The server answered that it does not do this. */
export class Refused extends Error {
  /**
   * @param {string} code
   * @param {string} detail
   * @param {{href?: string, meaning?: string}} [said] where to go first, and what the code means in the page's language
   */
  constructor(code, detail, { href = '', meaning = '' } = {}) {
    super(detail);
    this.code = code;
    this.href = href;
    this.meaning = meaning;
  }
}

/**
 * @param {string} address
 * @param {object} [body] with it the request is a POST
 * @returns {Promise<any>} JSON; raises Unreachable or Refused
 */
export async function ask(address, body) {
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'X-CSRFToken': wallet?.csrf ?? '' };
  let answer;
  try {
    answer = await fetch(address, { ...post, headers, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Unreachable(address);
  }
  if (answer.redirected) throw new Refused('wallet.signed_out', say('signed_out'));
  if (!(answer.headers.get('content-type') ?? '').includes('json')) {
    if (answer.status >= 500) throw new Unreachable(address);
    throw new Refused(`http.${answer.status}`, say('signed_out'));
  }
  const said = await answer.json();
  if (answer.status === 503) throw new Unreachable(said.code);
  if (!answer.ok) throw new Refused(said.code, said.detail, said);
  return said;
}

/** @param {string} address @returns {Promise<Uint8Array<ArrayBuffer>>} the bytes of a document */
export async function bytesOf(address) {
  let answer;
  try {
    answer = await fetch(address, { credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Unreachable(address);
  }
  if (!answer.ok || answer.redirected) {
    const kind = answer.headers.get('content-type') ?? '';
    const said = kind.includes('json') ? await answer.json() : {};
    throw new Refused(said.code ?? `http.${answer.status}`, said.detail ?? say('signed_out'), said);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

/** @param {{code: string, meaning?: string}} said @returns {string} in the page's words, or else what the code means */
export const refusedText = ({ code, meaning }) => texts[`refused ${code}`] ?? `${meaning || say('refused')} (${code})`;

/** @param {unknown} error @returns {string} in the page's words where there are some */
export function reason(error) {
  if (error instanceof Unreachable) return say('unreachable');
  if (error instanceof Refused) return refusedText(error);
  throw error;
}

/**
 * Run what a button starts: once at a time, and what goes wrong is said.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 */
export function onPress(button, work) {
  button.addEventListener('click', async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    try {
      await work();
    } catch (error) {
      if (error instanceof Refused && error.href) location.assign(error.href);
      else tell(reason(error), 'alarm');
    } finally {
      button.removeAttribute('aria-disabled');
    }
  });
}
