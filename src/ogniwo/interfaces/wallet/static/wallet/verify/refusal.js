/**
 * What every check of this folder answers, and how it stops inside.
 *
 * @template T
 * @typedef {{ok: true, code: 'ok', detail: '', value: T} | {ok: false, code: string, detail: string}} Answer
 */

/** Something that was understood and does not hold; `code` is one of docs/codes.md. */
export class Refusal extends Error {
  /**
   * @param {string} code stable code
   * @param {string} detail one sentence: what, why, where
   */
  constructor(code, detail) {
    super(detail);
    this.name = 'Refusal';
    this.code = code;
  }
}

/**
 * @param {unknown} holds
 * @param {string} code
 * @param {string} detail
 */
export function demand(holds, code, detail) {
  if (!holds) throw new Refusal(code, detail);
}

/**
 * Run a check and give its answer as a value. Anything but a refusal is a bug and is thrown on.
 *
 * @template T
 * @param {() => T | Promise<T>} check
 * @returns {Promise<Answer<T>>}
 */
export async function answer(check) {
  try {
    return { ok: true, code: 'ok', detail: '', value: await check() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, detail: error.message };
    throw error;
  }
}
