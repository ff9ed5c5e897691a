/** On pages for nobody: whoever signed out elsewhere leaves no page of his wallet behind. */
if ('caches' in globalThis) {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('ogniwo-pages-')).map((name) => caches.delete(name)));
}
