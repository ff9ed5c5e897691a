/** The Merkle tree of RFC 9162 with SHA-256: hashes of leaves and nodes, and the check of both kinds of proof. */
import { equal, sha256 } from './bytes.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @typedef {Uint8Array<ArrayBuffer>} Hash 32 bytes */

/** @param {Uint8Array} data @returns {Promise<Hash>} */
export function leafHash(data) {
  return sha256(LEAF, data);
}

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Promise<Hash>} */
export function nodeHash(left, right) {
  return sha256(NODE, left, right);
}

// Sizes reach 2^53 - 1, where JavaScript's bit operators (32 bits) would be wrong.
/** @param {number} value */
const odd = (value) => value % 2 === 1;
/** @param {number} value */
const half = (value) => Math.floor(value / 2);

/**
 * Walk a proof upwards: `visit` is told of each sibling and the side it stands on.
 *
 * @param {number} position
 * @param {number} last index of the last leaf of the tree
 * @param {Uint8Array[]} proof
 * @param {(sibling: Uint8Array, left: boolean) => Promise<void>} visit
 * @returns {Promise<boolean>} whether the proof ends exactly at the root
 */
async function climb(position, last, proof, visit) {
  for (const sibling of proof) {
    if (last === 0) return false;
    const left = odd(position) || position === last;
    await visit(sibling, left);
    while (left && !odd(position) && position > 0) [position, last] = [half(position), half(last)];
    [position, last] = [half(position), half(last)];
  }
  return last === 0;
}

/**
 * Whether the proof shows the leaf hash at `index` under the root of a tree of `size` (RFC 9162, 2.1.3.2).
 *
 * @param {{leaf: Uint8Array, index: number, size: number, proof: Uint8Array[], root: Uint8Array}} claim
 * @returns {Promise<boolean>}
 */
export async function includes({ leaf, index, size, proof, root }) {
  if (!(index >= 0 && index < size)) return false;
  let value = leaf;
  const ends = await climb(index, size - 1, proof, async (sibling, left) => {
    value = left ? await nodeHash(sibling, value) : await nodeHash(value, sibling);
  });
  return ends && equal(value, root);
}

/** @param {number} value at least 1 */
function isPowerOfTwo(value) {
  while (!odd(value)) value = half(value);
  return value === 1;
}

/**
 * Whether the proof shows that the tree of `newSize` leaves begins with the one of `oldSize` (RFC 9162, 2.1.4.2).
 *
 * @param {{oldSize: number, newSize: number, proof: Uint8Array[], oldRoot: Uint8Array, newRoot: Uint8Array}} claim
 * @returns {Promise<boolean>}
 */
export async function consistent({ oldSize, newSize, proof, oldRoot, newRoot }) {
  if (!(oldSize >= 0 && oldSize <= newSize)) return false;
  if (oldSize === newSize) return proof.length === 0 && equal(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0 && equal(oldRoot, await sha256());
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (!path.length) return false;
  let [position, last] = [oldSize - 1, newSize - 1];
  while (odd(position)) [position, last] = [half(position), half(last)];
  let [oldValue, newValue] = [path[0], path[0]];
  const ends = await climb(position, last, path.slice(1), async (sibling, left) => {
    if (left) oldValue = await nodeHash(sibling, oldValue);
    newValue = left ? await nodeHash(sibling, newValue) : await nodeHash(newValue, sibling);
  });
  return ends && equal(oldValue, oldRoot) && equal(newValue, newRoot);
}
