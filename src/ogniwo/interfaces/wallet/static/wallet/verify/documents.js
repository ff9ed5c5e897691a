/**
 * Canonical JSON (RFC 8785 restricted to texts, integers within +-(2^53 - 1), booleans, lists, objects with ASCII
 * keys) and typed documents. Reading is strict: decode, encode again, refuse unless the bytes are the same.
 */
import { utf8 } from './bytes.js';
import { InexactNumber, Members, readJson } from './json.js';
import { Refusal, demand } from './refusal.js';
import { ROOTS, STRUCTS } from './shapes.js';

/** @typedef {import('./json.js').Json} Json */
/** @typedef {{[key: string]: any}} Plain an object without a prototype */

const NESTING_LIMIT = 32;
/** Decimal digits of a whole number that the other implementation reads at all. */
const DIGITS_MAX = 4300;
const ASCII = /^[\u0000-\u007f]*$/;
/** @type {Map<string, RegExp>} */
const PATTERNS = new Map();

/** @param {any} value @returns {string} canonical text; refuses what has none */
function written(value) {
  if (typeof value === 'string') {
    demand(value.isWellFormed(), 'ledger.not_canonical', 'a text holds half of a surrogate pair');
    return JSON.stringify(value);
  }
  if (typeof value === 'boolean') return String(value);
  if (Number.isSafeInteger(value)) return String(Object.is(value, -0) ? 0 : value);
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  if (value === null || typeof value !== 'object' || value instanceof InexactNumber) {
    throw new Refusal('ledger.not_canonical', 'a value that has no place in a canonical document');
  }
  const keys = Object.keys(value).sort();
  demand(keys.every((key) => ASCII.test(key)), 'ledger.not_canonical', 'a key is not ASCII');
  return `{${keys.map((key) => `${JSON.stringify(key)}:${written(value[key])}`).join(',')}}`;
}

/** @param {any} value @param {number} depth */
function demandShallow(value, depth) {
  demand(depth <= NESTING_LIMIT, 'ledger.not_canonical', `nested deeper than ${NESTING_LIMIT}`);
  if (typeof value !== 'object' || value === null || value instanceof InexactNumber) return;
  for (const item of Array.isArray(value) ? value : Object.values(value)) demandShallow(item, depth + 1);
}

/** @param {any} value a typed document @returns {Uint8Array<ArrayBuffer>} */
export function encode(value) {
  return utf8(written(value));
}

/** @param {any} value lists, objects, texts, integers, booleans @returns {Uint8Array<ArrayBuffer>} */
export function encodeDocument(value) {
  demandShallow(value, 0);
  return utf8(written(value));
}

/** @param {Uint8Array} data @returns {any} a plain document; refuses every other spelling of it */
export function decodeDocument(data) {
  const { text, value } = readJson(data);
  const document = plain(value);
  demandShallow(document, 0);
  demandSame(written(document), text);
  return document;
}

/**
 * @param {Uint8Array} data
 * @param {keyof typeof ROOTS} kind
 * @returns {Plain} the typed document; refuses unknown, missing and wrong fields, and every other spelling
 */
export function decode(data, kind) {
  const { text, value } = readJson(data);
  const typed = conform(value, ROOTS[kind], kind);
  demandSame(written(typed), text);
  return typed;
}

/** @param {string} canonical @param {string} text */
function demandSame(canonical, text) {
  const detail = 'not in canonical form (key order, duplicates, spaces or spelling)';
  demand(canonical === text, 'ledger.not_canonical', detail);
}

/** @param {Json} value @returns {any} */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Members)) return value;
  const object = Object.create(null);
  for (const [key, item] of value.entries) object[key] = plain(item);
  return object;
}

/** @param {Json} value @param {any} shape @param {string} place @returns {any} */
function conform(value, shape, place) {
  /** @param {unknown} holds @param {string} wanted */
  const want = (holds, wanted) => demand(holds, 'ledger.schema', `${place}: expected ${wanted}`);
  switch (shape.type) {
    case 'text':
      want(typeof value === 'string', 'a text');
      want(textFits(/** @type {string} */ (value), shape), 'a text of another form or length');
      return value;
    case 'integer':
      want(Number.isSafeInteger(value), 'an integer');
      want(within(/** @type {number} */ (value), shape), 'an integer within bounds');
      return value;
    case 'boolean':
      want(typeof value === 'boolean', 'true or false');
      return value;
    case 'word':
      want(shape.words.includes(value), `one of ${shape.words.join(', ')}`);
      return value;
    case 'list':
      want(Array.isArray(value) && within(/** @type {Json[]} */ (value).length, shape), 'a list within bounds');
      return /** @type {Json[]} */ (value).map((item, at) => conform(item, shape.items, `${place}[${at}]`));
    case 'object':
      want(value instanceof Members, 'an object');
      demandRange(value, place);
      return plain(value);
    case 'struct':
      return struct(value, shape.name, place);
    case 'union':
      return struct(value, member(value, shape, place), place);
    default:
      throw new TypeError(`no such shape: ${shape.type}`);
  }
}

/** @param {number} value @param {{min?: number, max?: number}} shape */
function within(value, shape) {
  return value >= (shape.min ?? -Infinity) && value <= (shape.max ?? Infinity);
}

/** @param {string} text @param {{pattern?: string, min?: number, max?: number}} shape */
function textFits(text, shape) {
  if ((shape.min !== undefined || shape.max !== undefined) && !within([...text].length, shape)) return false;
  if (shape.pattern === undefined) return true;
  const pattern = PATTERNS.get(shape.pattern) ?? new RegExp(shape.pattern);
  PATTERNS.set(shape.pattern, pattern);
  return pattern.test(text);
}

/** @param {Json} value @param {string} place numbers beyond every range are refused where anything may stand, too */
function demandRange(value, place) {
  if (value instanceof InexactNumber) {
    const digits = value.text.replace('-', '').length;
    const ranged = value.whole ? digits <= DIGITS_MAX : Number.isFinite(Number(value.text));
    demand(ranged, 'ledger.schema', `${place}: a number out of range`);
  } else if (Array.isArray(value)) {
    for (const item of value) demandRange(item, place);
  } else if (value instanceof Members) {
    for (const [key, item] of value.entries) demandRange(item, `${place}.${key}`);
  }
}

/** @param {Json} value @param {any} shape @param {string} place @returns {string} the struct that the tag names */
function member(value, shape, place) {
  demand(value instanceof Members, 'ledger.schema', `${place}: expected an object`);
  const tag = /** @type {Members} */ (value).entries.find(([key]) => key === shape.tag)?.[1];
  const known = typeof tag === 'string' && Object.hasOwn(shape.members, tag);
  demand(known, 'ledger.schema', `${place}.${shape.tag}: not known`);
  return shape.members[/** @type {string} */ (tag)];
}

/** @param {Json} value @param {string} name @param {string} place @returns {Plain} */
function struct(value, name, place) {
  const { fields, tag, word, omitDefaults, nesting } = /** @type {any} */ (STRUCTS)[name];
  demand(value instanceof Members, 'ledger.schema', `${place}: expected an object`);
  const object = Object.create(null);
  if (tag !== undefined) object[tag] = word;
  for (const [key, item] of /** @type {Members} */ (value).entries) {
    if (key === tag) {
      demand(item === word, 'ledger.schema', `${place}.${key}: not ${word}`);
      continue;
    }
    demand(Object.hasOwn(fields, key), 'ledger.schema', `${place}: unknown field ${key}`);
    object[key] = conform(item, fields[key], `${place}.${key}`);
  }
  for (const [key, shape] of Object.entries(/** @type {{[key: string]: any}} */ (fields))) {
    if (!Object.hasOwn(object, key)) {
      demand(shape.optional, 'ledger.schema', `${place}: the field ${key} is missing`);
      if (shape.default !== undefined && !omitDefaults) object[key] = shape.default;
    } else if (omitDefaults && shape.default !== undefined && object[key] === shape.default) {
      delete object[key];
    }
  }
  const flat = nesting === undefined || nested(object, tag, word) <= nesting;
  demand(flat, 'ledger.schema', `${place}: more than ${nesting} inside one another`);
  return object;
}

/** @param {any} value @param {string} tag @param {string} word @returns {number} most of a kind inside one another */
function nested(value, tag, word) {
  if (typeof value !== 'object') return 0;
  const inside = Math.max(0, ...Object.values(value).map((item) => nested(item, tag, word)));
  return inside + (value[tag] === word ? 1 : 0);
}
