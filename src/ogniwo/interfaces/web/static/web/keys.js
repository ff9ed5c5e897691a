// Keyboard: "/" goes to the first search field, "g" then a letter to a noun of the navigation, "?" to the help.
let waiting = false;

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, [contenteditable]")) return;
  if (event.key === "/") {
    const field = /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"));
    if (field) { event.preventDefault(); field.focus(); }
  } else if (event.key === "?") {
    const link = document.querySelector("[data-help]");
    if (link instanceof HTMLAnchorElement) link.click();
  } else if (waiting) {
    const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (link instanceof HTMLAnchorElement) link.click();
  }
  waiting = event.key === "g" && !waiting;
}

/** On a phone the nouns stand in one row that scrolls: begin where the current one is. */
function showNoun() {
  const current = /** @type {HTMLElement | null} */ (document.querySelector(".nouns [aria-current]"));
  const row = current?.closest(".nouns");
  if (current && row) row.scrollLeft = current.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
}

document.addEventListener("keydown", pressed);
showNoun();
