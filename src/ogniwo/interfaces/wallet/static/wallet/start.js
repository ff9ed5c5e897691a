/** First steps: what is done on this device, and the browser's own way to install. */
import { keyOf } from './device.js';
import { one, say, show, tell, wallet } from './page.js';

/** @param {string} id */
function done(id) {
  const state = one(id);
  state.textContent = say('done');
  state.className = 'state good';
}

const key = await keyOf(wallet.wallet);
if (key?.state === 'enrolled') done('#step-key');
if (matchMedia('(display-mode: standalone)').matches) done('#step-install');

/** @type {any} */
let offer;
addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  offer = event;
  show(one('#install'));
});
addEventListener('appinstalled', () => {
  done('#step-install');
  show(one('#install'), false);
  tell(say('installed'));
});
one('#install').addEventListener('click', () => offer?.prompt());
