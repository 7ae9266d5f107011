// A refused callback leaves its code in the address bar; put the address of a fresh start there instead.
const refusal = document.querySelector("[data-clean]");
if (refusal && location.search) {
  history.replaceState(null, "", refusal.dataset.clean);
}
