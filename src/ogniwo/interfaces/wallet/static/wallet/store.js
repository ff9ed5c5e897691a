/**
 * What stays on the device, in IndexedDB. Keys lie there as objects that the browser does not give out; receipts,
 * contacts and finished payments are cleared when the member signs out, keys, pins and unfinished payments are not.
 */
const NAME = 'ogniwo-wallet';
const VERSION = 1;
/** Stores with the field that names an entry; `wallet` is CODE/NUMBER. */
const STORES = {
  keys: 'wallet',
  pins: 'network',
  notes: 'place',
  receipts: 'place',
  payments: 'draft',
  contacts: 'place',
  evidence: 'found',
};
const CLEARED = /** @type {const} */ (['receipts', 'contacts']);

/** @typedef {keyof typeof STORES} Store */

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath });
    };
    request.onsuccess = () => {
      // A newer page of another tab may want to change the stores.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/**
 * @template T
 * @param {Store} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>} when it is durable
 */
async function within(name, mode, ask) {
  const connection = await database();
  return new Promise((resolve, reject) => {
    const transaction = connection.transaction(name, mode, { durability: 'strict' });
    const request = ask(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? request.error);
  });
}

/** @param {Store} name @param {string} key @returns {Promise<any>} undefined where there is none */
export const get = (name, key) => within(name, 'readonly', (store) => store.get(key));

/** @param {Store} name @returns {Promise<any[]>} */
export const all = (name) => within(name, 'readonly', (store) => store.getAll());

/** @param {Store} name @param {object} value */
export const put = (name, value) => within(name, 'readwrite', (store) => store.put(value));

/** @param {Store} name @param {string} key */
export const drop = (name, key) => within(name, 'readwrite', (store) => store.delete(key));

/** @param {Store} name @param {object} value @returns {Promise<boolean>} false when one of that name is there */
export async function add(name, value) {
  try {
    await within(name, 'readwrite', (store) => store.add(value));
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'ConstraintError') return false;
    throw error;
  }
}

/** Forget what a member read and wrote here, as far as it can be had again after signing in. */
export async function clearReadings() {
  for (const name of CLEARED) await within(name, 'readwrite', (store) => store.clear());
  for (const one of await all('payments')) if (one.state !== 'signed') await drop('payments', one.draft);
}
