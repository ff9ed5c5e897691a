// Files dropped on the form become its chosen files; the form itself works without this.

for (const zone of document.querySelectorAll("[data-drop]")) {
  const field = zone.querySelector("input[type=file]");
  if (!(field instanceof HTMLInputElement) || !(zone instanceof HTMLElement)) continue;
  const said = zone.querySelector("[data-chosen]");
  const say = () => {
    if (said) said.textContent = [...(field.files ?? [])].map((file) => file.name).join(", ");
  };
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer?.files.length) {
      field.files = event.dataTransfer.files;
      say();
    }
  });
  field.addEventListener("change", say);
}
