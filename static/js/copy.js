// Buttons that copy an address shown on the page.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // then people select the address by hand
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
}
