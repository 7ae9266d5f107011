// The embedded QR code of Feishu: begin a login, draw the platform's frame, and go on when the person has confirmed.
// The frame sends nothing but a one-time code at its end. How long it is valid is watched here.

(() => {
  const scan = document.querySelector("#scan");
  if (!scan) return;

  const box = scan.querySelector("#qr");
  const notice = document.querySelector("#no-code");
  const { element, script, origin, next } = scan.dataset;
  const LIFE = 600; // seconds a login stays open
  const COUNTDOWN = 60; // seconds
  const BLANK = 6000; // ms to wait for the script, for the login, and for the frame
  const RENEWALS = 3; // new codes without a tap
  const SIZE = "300"; // px

  let goto = null;
  let login = null;
  let ends = 0;
  let renewed = 0;
  let clock = null;
  let blank = null;
  let turn = 0; // the begin() that counts; an earlier one may still wait for an answer

  const show = (state) => {
    document.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
    scan.classList.toggle("scan-ended", state === "expired");
    box.inert = state === "expired";
  };

  const stop = () => {
    turn += 1;
    clearInterval(clock);
    clearTimeout(blank);
    removeEventListener("message", listen);
  };

  // Show the button instead, with the reason.
  const giveUp = (reason) => {
    notice.classList.remove("notice-late");
    notice.hidden = false;
    scan.hidden = true;
    show(reason);
    showButton(true);
    stop();
    box.textContent = "";
  };

  const giveUpLater = (reason) => {
    clearTimeout(blank);
    blank = setTimeout(giveUp, BLANK, reason);
  };

  const showButton = (alone) => {
    document.querySelector("[data-with-code]").hidden = alone;
    document.querySelector("[data-without-code]").hidden = !alone;
    document.querySelector("[data-plain]").classList.toggle("button-quiet", !alone);
  };

  const loadScript = () => new Promise((resolve, reject) => {
    if (window.QRLogin) return resolve();
    const tag = document.createElement("script");
    tag.src = script;
    tag.onload = () => (window.QRLogin ? resolve() : reject());
    tag.onerror = reject;
    document.head.append(tag);
  });

  const readCode = (data) => {
    const code = typeof data === "string" ? data : data && data.tmp_code;
    const whole = typeof data === "string" || !login.matchData || login.matchData(data);
    return whole && typeof code === "string" && code.length > 0 && code.length < 2000 ? code : null;
  };

  // The script's own check compares only how an origin begins, so ours comes first.
  function listen(event) {
    const frame = box.querySelector("iframe");
    if (event.origin !== origin || !frame || event.source !== frame.contentWindow) return;
    if (login.matchOrigin && !login.matchOrigin(event.origin)) return;
    const code = readCode(event.data);
    if (code === null) return;
    stop();
    show("signing-in");
    location.assign(`${goto}&tmp_code=${encodeURIComponent(code)}`);
  }

  const tick = () => {
    const left = Math.ceil((ends - performance.now()) / 1000);
    if (left > COUNTDOWN) return;
    if (left > 0) {
      show("ending");
      scan.querySelector("#seconds").textContent = left;
    } else if (!document.hidden && renewed < RENEWALS) {
      renewed += 1;
      start();
    } else {
      stop();
      show("expired");
    }
  };

  async function begin() {
    stop();
    const own = turn;
    notice.hidden = true;
    scan.hidden = false;
    showButton(false);
    show("loading");
    giveUpLater("blocked");
    try {
      await loadScript();
    } catch {
      return own === turn && giveUp("blocked");
    }
    if (own !== turn) return;
    giveUpLater("lost");
    try {
      const begun = await window.api.getLoginConfig(element, next ? { next } : {});
      if (own !== turn) return;
      goto = begun.authorizeUrl;
    } catch (error) {
      return own === turn && giveUp(navigator.onLine && error.code !== 50300 ? "unavailable" : "lost");
    }
    ends = performance.now() + LIFE * 1000;
    box.textContent = "";
    addEventListener("message", listen);
    giveUpLater("blocked");
    try {
      // Without a style the script writes "undefined".
      login = window.QRLogin({ id: box.id, goto, width: SIZE, height: SIZE, style: "" });
    } catch {
      return giveUp("blocked");
    }
    const frame = box.querySelector("iframe");
    if (!frame) return giveUp("blocked");
    frame.title = document.querySelector(".scan-what").textContent;
    frame.addEventListener("load", () => { clearTimeout(blank); });
    show("waiting");
    clock = setInterval(tick, 1000);
  }

  const start = () => begin().catch(() => giveUp("unavailable")); // where an old engine fails, the button stays

  scan.querySelector("button").addEventListener("click", () => { renewed = 0; start(); });
  document.addEventListener("securitypolicyviolation", (event) => {
    if (event.effectiveDirective === "frame-src") giveUp("blocked");
  });
  addEventListener("offline", () => giveUp("lost"));
  addEventListener("online", () => { if (scan.hidden) start(); });
  start();
})();
