/**
 * Reading JSON without losing anything: members of objects in their order, repeated ones too, and numbers that
 * JavaScript does not hold exactly. `JSON.parse` drops the first and bends the second, so it cannot tell whether a
 * document is in canonical form.
 */
import { Refusal } from './refusal.js';

/** Deeper nesting than any document of the ledger is refused before the engine's stack is in danger. */
const DEPTH_MAX = 500;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const INTEGER_LIMIT = Number.MAX_SAFE_INTEGER;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** @type {[string, boolean | null][]} */
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** A number that is no integer within +-(2^53 - 1). */
export class InexactNumber {
  /** @param {string} text as it was written @param {boolean} whole whether without fraction and exponent */
  constructor(text, whole) {
    this.text = text;
    this.whole = whole;
  }
}

/** An object as it was written. */
export class Members {
  /** @param {[string, Json][]} entries */
  constructor(entries) {
    this.entries = entries;
  }
}

/** @typedef {string | number | boolean | null | InexactNumber | Members | Json[]} Json */

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @param {string} what @returns {never} */
  fail(what) {
    throw new Refusal('ledger.malformed', `${what} at character ${this.at}`);
  }

  blanks() {
    while (this.at < this.text.length && ' \n\r\t'.includes(this.text[this.at])) this.at += 1;
  }

  /** @param {string} sign @returns {boolean} whether it comes next, then behind it */
  took(sign) {
    this.blanks();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  /** @param {number} depth @returns {Json} */
  value(depth) {
    if (depth > DEPTH_MAX) this.fail('nested too deep');
    this.blanks();
    const sign = this.text[this.at];
    if (sign === '"') return this.string();
    if (sign === '{') return this.object(depth);
    if (sign === '[') return this.list(depth);
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  /** @returns {number | InexactNumber} */
  number() {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) this.fail('no value');
    this.at = NUMBER.lastIndex;
    const [text, fraction, exponent] = found;
    const whole = fraction === undefined && exponent === undefined;
    const value = Number(text);
    return whole && Math.abs(value) <= INTEGER_LIMIT ? value : new InexactNumber(text, whole);
  }

  /** @returns {string} */
  string() {
    let text = '';
    this.at += 1;
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = /** @type {RegExpExecArray} */ (PLAIN.exec(this.text))[0];
      text += plain;
      this.at += plain.length;
      const sign = this.text[this.at];
      if (sign === '"') break;
      if (sign !== '\\') this.fail('a string without end');
      text += this.escape();
    }
    this.at += 1;
    if (!text.isWellFormed()) this.fail('half of a surrogate pair');
    return text;
  }

  /** @returns {string} */
  escape() {
    const sign = this.text[this.at + 1];
    if (sign === 'u') {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('no \\u escape');
      this.at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if (sign === undefined || !Object.hasOwn(ESCAPES, sign)) this.fail('no escape');
    this.at += 2;
    return ESCAPES[/** @type {keyof typeof ESCAPES} */ (sign)];
  }

  /** @param {number} depth @returns {Json[]} */
  list(depth) {
    this.at += 1;
    /** @type {Json[]} */
    const items = [];
    if (this.took(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.took(','));
    if (!this.took(']')) this.fail('a list without end');
    return items;
  }

  /** @param {number} depth @returns {Members} */
  object(depth) {
    this.at += 1;
    /** @type {[string, Json][]} */
    const entries = [];
    if (this.took('}')) return new Members(entries);
    do {
      this.blanks();
      if (this.text[this.at] !== '"') this.fail('no key');
      const key = this.string();
      if (!this.took(':')) this.fail('no colon');
      entries.push([key, this.value(depth + 1)]);
    } while (this.took(','));
    if (!this.took('}')) this.fail('an object without end');
    return new Members(entries);
  }
}

/**
 * @param {Uint8Array} data
 * @returns {{text: string, value: Json}} the bytes as text, and what they say; refuses what is not JSON in UTF-8
 */
export function readJson(data) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Refusal('ledger.malformed', 'not UTF-8');
  }
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.blanks();
  if (reader.at < text.length) reader.fail('something behind the value');
  return { text, value };
}
