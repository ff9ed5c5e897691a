/** Getting out of a contract: a proposal is declined, a signed one withdrawn from, with this device's key. */
import { framed, keyOf, signBytes } from './device.js';
import { Refused, Unreachable, ask, onPress, one, say, show, tell, wallet } from './page.js';

async function leave() {
  const key = await keyOf(wallet.wallet);
  if (!key) throw new Refused('wallet.no_key', say('no_key'));
  const bytes = framed(wallet, { op: 'withdraw_contract', contract: wallet.contract });
  let answer;
  try {
    answer = await ask(wallet.urls.sign, { envelope: await signBytes(key, bytes) });
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    // Whether it arrived the page says when it is opened again: a contract is left once, however often one asks.
    tell(say('leave_unknown'), 'alarm');
    return;
  }
  if (answer.code !== 'accepted') throw new Refused(answer.code, answer.detail, answer);
  location.replace(location.pathname);
}

const key = await keyOf(wallet.wallet);
show(one('#leave-more'), key?.state === 'enrolled');
show(one('#leave-key'), key?.state !== 'enrolled');
onPress(one('#leave-go'), leave);
one('#leave').dataset.ready = 'yes';
