// A part of the page that is not finished ([data-again], seconds) is fetched again until it is.

async function again(id, seconds) {
  await new Promise((done) => setTimeout(done, seconds * 1000));
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old) return;
  old.replaceWith(document.adoptNode(fresh));
  if (fresh.dataset.again) await again(id, Number(fresh.dataset.again));
}

for (const part of document.querySelectorAll("[data-again][id]")) {
  if (part instanceof HTMLElement) again(part.id, Number(part.dataset.again)).catch(console.warn);
}
