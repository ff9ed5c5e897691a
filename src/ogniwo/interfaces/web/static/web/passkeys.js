// What became of asking the device for a passkey is said on the page; by itself the browser says it to nobody.
const said = document.getElementById("passkey-failed");
document.querySelector("main h1")?.after(/** @type {HTMLElement} */ (said));

document.addEventListener("allauth.error", (event) => {
  if (!said) return;
  event.preventDefault();
  said.hidden = false;
  said.textContent = said.dataset.text ?? "";
});
