/** The wallet page: takes, gives back, frees or disputes what is reserved, signed by this device. */
import { framed, keyOf, signBytes } from './device.js';
import { Refused, ask, onPress, one, say, show, tell, wallet } from './page.js';
import { committed } from './payments.js';

/** @param {{[field: string]: unknown}} operation @param {{salt: string, text: string}} [words] kept off the ledger */
async function act(operation, words) {
  const key = await keyOf(wallet.wallet);
  if (!key) throw new Refused('wallet.no_key', say('no_key'));
  const said = await ask(wallet.urls.submit, { envelope: await signBytes(key, framed(wallet, operation)), words });
  if (said.code !== 'accepted') throw new Refused(said.code, said.detail, said);
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
/** @type {NodeListOf<HTMLButtonElement>} */
const contests = document.querySelectorAll('[data-contest]');
for (const button of contests) {
  show(/** @type {Element} */ (button.closest('[data-contesting]')), wallet.acts);
  onPress(button, async () => {
    const why = one(`#${button.dataset.why}`).value.trim();
    if (why.length < 5) throw new Refused('wallet.text', say('why'));
    const { words, commitment } = await committed(why);
    await act({ op: 'dispute', hold: button.dataset.contest, text: commitment }, words);
  });
}
document.documentElement.dataset.ready = 'yes';
