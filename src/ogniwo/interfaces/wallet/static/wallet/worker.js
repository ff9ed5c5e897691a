/*
 * Keeps the wallet readable offline: its own files by version, and the last pages that its member saw. What the server
 * puts in front: VERSION (of the files' texts), SHELL (their addresses), OFFLINE (the page for what was never seen).
 */
/* global VERSION, SHELL, OFFLINE */
const FILES = `ogniwo-files-${VERSION}`;
const PAGES = 'ogniwo-pages-';
const OWNER = 'x-wallet-owner';
const KEPT_AT = 'x-kept-at';
const PATIENCE_MS = 8_000;
const PAGES_MAX = 60;

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const files = await caches.open(FILES);
      await files.addAll([...SHELL, OFFLINE].map((address) => new Request(address, { cache: 'reload' })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith('ogniwo-files-') && name !== FILES) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== 'GET' || address.origin !== self.location.origin) return;
  if (request.mode === 'navigate' && address.pathname.startsWith('/w/')) event.respondWith(page(request));
  else if (address.pathname.startsWith('/static/')) event.respondWith(file(request));
});

/** Files are the same under one version; without a network the version at hand serves. */
async function file(request) {
  const kept = await (await caches.open(FILES)).match(request, { ignoreVary: true, ignoreSearch: true });
  return kept ?? fetch(request);
}

/** Network first; what cannot be reached comes from what its member saw last, and says so. */
async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await keep(request, answer.clone());
    return answer;
  } catch {
    return (await lastSeen(request)) ?? (await (await caches.open(FILES)).match(OFFLINE, { ignoreVary: true }));
  }
}

/** Keep an own page, under its owner; who else signs in here ends what was kept, and so do the pages for nobody. */
async function keep(request, answer) {
  const owner = answer.headers.get(OWNER);
  if (!owner || !answer.ok) return;
  await forget(PAGES + owner);
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, new Date().toISOString());
  const pages = await caches.open(PAGES + owner);
  await pages.put(request.url, new Response(await answer.text(), { status: 200, headers }));
  const keys = await pages.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - PAGES_MAX))) await pages.delete(old);
}

async function forget(but) {
  for (const name of await caches.keys()) if (name.startsWith(PAGES) && name !== but) await caches.delete(name);
}

async function lastSeen(request) {
  const { pathname } = new URL(request.url);
  for (const name of await caches.keys()) {
    if (!name.startsWith(PAGES)) continue;
    const pages = await caches.open(name);
    let kept = await pages.match(request.url, { ignoreVary: true });
    if (!kept && pathname === '/w/') {
      // Where the installed wallet starts: online this leads to the member's home, so here it is his home.
      const home = (await pages.keys()).findLast((one) => /^\/w\/[^/]+\/[^/]+\/$/.test(new URL(one.url).pathname));
      kept = home && (await pages.match(home, { ignoreVary: true }));
    }
    if (!kept) continue;
    const text = (await kept.text()).replace('<html ', `<html data-kept="${kept.headers.get(KEPT_AT)}" `);
    return new Response(text, { status: 200, headers: kept.headers });
  }
  return undefined;
}
