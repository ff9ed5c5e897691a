// A table can be copied as text between tabs, and the page printed; without scripts the buttons stay hidden.

/** @param {HTMLTableElement} table */
function asText(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim().replaceAll(/\s+/g, " ")).join("\t")).join("\n");
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const table = document.getElementById(button.dataset.copy ?? "");
    if (!(table instanceof HTMLTableElement)) return;
    await navigator.clipboard.writeText(asText(table));
    const said = document.getElementById("said");
    if (said) said.textContent = button.dataset.done ?? "";
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
