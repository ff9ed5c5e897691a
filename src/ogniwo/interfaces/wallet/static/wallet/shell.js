/** On every page of the wallet: the worker that keeps it readable offline, the word that it is, and a clean leaving. */
import { clearReadings } from './store.js';

const banner = document.getElementById('offline');
const since = document.documentElement.dataset.kept;

function offline() {
  if (!banner) return;
  const away = since !== undefined || !navigator.onLine;
  banner.hidden = !away;
  if (!away) return;
  const time = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Europe/Warsaw' });
  const at = time.format(since ? new Date(since) : new Date());
  banner.textContent = (banner.dataset.text ?? '').replace('{time}', at);
}

/** @returns {Promise<void>} pages that were kept for reading offline are gone afterwards */
async function forgetPages() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('ogniwo-pages-')).map((name) => caches.delete(name)));
}

/** @param {SubmitEvent} event */
function leaving(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!new URL(form.action).pathname.endsWith('/logout/') || form.dataset.cleared) return;
  event.preventDefault();
  form.dataset.cleared = 'yes';
  Promise.allSettled([forgetPages(), clearReadings()]).then(() => form.submit());
}

if ('serviceWorker' in navigator) {
  navigator.serviceWorker.register('/w/worker.js', { scope: '/w/', type: 'classic' });
}
document.addEventListener('submit', leaving);
addEventListener('online', offline);
addEventListener('offline', offline);
offline();
