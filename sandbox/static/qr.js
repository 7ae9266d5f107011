// Ask for the state of the QR code, show it, and hand the temporary code to the page around this frame.
const status = document.querySelector("#status");
const POLL_PAUSE = 500; // milliseconds

const show = (state, name = "") => {
  document.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
  status.querySelector("[data-name]").textContent = name;
};

// Without a version in the address the SDK is an older one, which passes a bare string on.
const tell = (tmpCode) => {
  const message = "sdkVersion" in status.dataset ? { source: "qrcode", tmp_code: tmpCode } : tmpCode;
  window.parent.postMessage(message, "*");
};

const ask = async () => {
  try {
    const { state, name, tmp_code } = await (await fetch(status.dataset.url)).json();
    show(state, name);
    if (state === "confirmed") tell(tmp_code);
    if (state !== "waiting" && state !== "scanned") return;
  } catch {
    show("lost");
  }
  setTimeout(ask, POLL_PAUSE);
};
ask();
