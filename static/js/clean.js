// A refused callback leaves its code in the address bar. Replace it by the address that starts a new login.
const refusal = document.querySelector("[data-clean]");
if (refusal && location.search) {
  history.replaceState(null, "", refusal.dataset.clean);
}
