/** The wallet page: takes, gives back or frees what is reserved, signed by this device. */
import { framed, keyOf, signBytes } from './device.js';
import { Refused, ask, onPress, say, show, tell, wallet } from './page.js';

/** @param {{[field: string]: unknown}} operation */
async function act(operation) {
  const key = await keyOf(wallet.wallet);
  if (!key) throw new Refused('wallet.no_key', say('no_key'));
  const said = await ask(wallet.urls.submit, { envelope: await signBytes(key, framed(wallet, operation)) });
  if (said.code !== 'accepted') throw new Refused(said.code, said.detail);
  tell(say('done'));
  setTimeout(() => location.reload(), 1_200);
}

/** @type {NodeListOf<HTMLButtonElement>} */
const buttons = document.querySelectorAll('[data-settle], [data-void]');
for (const button of buttons) {
  const { settle, amount } = button.dataset;
  show(button, wallet.acts);
  onPress(button, () =>
    settle
      ? act({ op: 'settle', hold: settle, amount: Number(amount), final: true })
      : act({ op: 'void', hold: button.dataset.void }),
  );
}
document.documentElement.dataset.ready = 'yes';
