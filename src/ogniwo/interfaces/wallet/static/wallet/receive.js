/** Receive: share or copy the link. */
import { onPress, one, say, show, tell } from './page.js';

const link = one('#link');
const data = { title: document.title, url: link.value };
show(one('#copy'), Boolean(navigator.clipboard));
show(one('#share'), Boolean(navigator.share));
onPress(one('#copy'), async () => {
  await navigator.clipboard.writeText(link.value);
  tell(say('copied'));
});
onPress(one('#share'), async () => {
  try {
    await navigator.share(data);
  } catch (error) {
    // Whoever closes the list of apps has changed his mind.
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
  }
});
