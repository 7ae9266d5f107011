// WeCom's login panel in the page: begin a login, show the platform's frame, and give way to the link where that fails.
// Once the person has confirmed, the frame leads the whole page to the callback, just as the link does.
// How long a login is valid is watched here.

(() => {
  const panel = document.querySelector("#panel");
  if (!panel) return;

  const box = panel.querySelector("#panel-frame");
  const notice = document.querySelector("#no-panel");
  const { element, origin, next } = panel.dataset;
  const LIFE = 600; // seconds a login stays open
  const COUNTDOWN = 60; // seconds
  const BLANK = 6000; // ms to wait for the login, for the frame, and for its first message
  const AWAY = 60000; // ms a hidden page keeps its frame: WeCom's own window may cover it while the person confirms
  const RENEWALS = 3; // new codes without a tap
  const HAS_ROOM = matchMedia("(min-width: 480px)");
  const IS_WIDE = matchMedia("(min-width: 1100px) and (min-height: 700px)");
  const IS_DARK = matchMedia("(prefers-color-scheme: dark)");

  let address = null;
  let ends = 0;
  let renewed = 0;
  let clock = null;
  let blank = null;
  let away = null;
  let left = false; // the page is hidden, and the panel gone until it is back
  let closeFrame = () => {};
  let turn = 0; // the begin() that counts; an earlier one may still wait for an answer

  // The frame. Its messages are those of @wecom/jssdk 2.4.4, and so is the version in its address. Nothing but this
  // frame is heard, and it only from WeCom's origin.

  const openFrame = (src, title, hear) => {
    const frame = document.createElement("iframe");
    let port = null;
    let isReady = false;

    const say = (message) => {
      if (port) port.postMessage(JSON.stringify(message));
      else frame.contentWindow.postMessage(JSON.stringify(message), origin);
    };

    const openChannel = () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => take(data);
      frame.contentWindow.postMessage({ type: "ww-iframe-handle:set-port", port: port2 }, origin, [port2]);
      port = port1;
    };

    const respond = (uid, type) => {
      const answer = { type: "ww-iframe-handle:response", uid, kind: "resolve" };
      const error = { message: "unknown type", stack: "" };
      say(type === "call" ? answer : { ...answer, kind: "reject", args: error });
    };

    const take = (data) => {
      const { type, uid, args = {}, supportChannel } = parse(data);
      if (type === "ww-iframe-handle:ready" && !isReady) {
        isReady = true;
        if (supportChannel) openChannel();
        hear("ready");
      } else if (type === "ww-iframe-handle:call") {
        if (uid) respond(uid, args.type);
        if (args.type === "call") hear(args.name, args.payload || args.data || {});
      }
    };

    const listen = (event) => {
      if (event.origin !== origin || event.source !== frame.contentWindow) return;
      take(event.data);
    };

    addEventListener("message", listen);
    frame.addEventListener("load", () => {
      if (isReady) return;
      hear("load");
      say({ type: "ww-iframe-handle:init" });
    });
    Object.assign(frame, { src, title, referrerPolicy: "origin", allow: "local-network-access" });
    box.append(frame);
    return () => {
      removeEventListener("message", listen);
      if (port) port.close();
      frame.remove();
    };
  };

  const parse = (data) => {
    try {
      return (typeof data === "string" ? JSON.parse(data) : data) || {};
    } catch {
      return {};
    }
  };

  // The states

  const show = (state) => {
    document.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
  };

  const showLink = (alone) => {
    document.querySelector("[data-with-code]").hidden = alone;
    document.querySelector("[data-without-code]").hidden = !alone;
    document.querySelector("[data-plain]").classList.toggle("button-quiet", !alone);
  };

  const stop = () => {
    turn += 1;
    left = false;
    clearInterval(clock);
    clearTimeout(blank);
    clearTimeout(away);
    closeFrame();
    closeFrame = () => {};
  };

  // Leave the link alone, without a reason or with one.
  const giveUp = (reason) => {
    stop();
    notice.classList.remove("notice-late");
    notice.hidden = !reason;
    panel.hidden = true;
    showLink(true);
    show(reason);
  };

  const giveUpLater = (reason) => {
    clearTimeout(blank);
    blank = setTimeout(giveUp, BLANK, reason);
  };

  const hear = (name, payload) => {
    if (name === "load") return giveUpLater("blocked"); // the browser's own error page loads, too
    clearTimeout(blank);
    if (name === "ready") show("waiting");
    if (name === "onCheckWeComLogin") show(payload.isWeComLogin ? "here" : "waiting");
    if (name === "onOpenInWecom") show("elsewhere");
    if (name === "onLoginFail") giveUp("refused");
  };

  const openPanel = () => {
    closeFrame();
    show("loading");
    giveUpLater("blocked");
    const look = {
      redirect_type: "top",
      panel_size: IS_WIDE.matches ? "middle" : "small",
      lang: document.documentElement.lang.startsWith("zh") ? "zh" : "en",
      color_scheme: IS_DARK.matches ? "dark" : "light",
      version: "2.4.4",
    };
    closeFrame = openFrame(`${address}&${new URLSearchParams(look)}`, panel.querySelector(".scan-what").textContent, hear);
  };

  const tick = () => {
    const seconds = Math.ceil((ends - performance.now()) / 1000);
    if (seconds > COUNTDOWN) return;
    if (seconds > 0) {
      show("ending");
      panel.querySelector("#seconds").textContent = seconds;
    } else if (document.hidden) {
      leave();
    } else {
      renew();
    }
  };

  const renew = () => {
    if (renewed < RENEWALS) {
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
    panel.hidden = false;
    showLink(false);
    show("loading");
    giveUpLater("lost");
    try {
      const begun = await window.api.getLoginConfig(element, { kind: "redirect", ...(next && { next }) });
      if (own !== turn) return;
      address = begun.authorizeUrl;
    } catch (error) {
      return own === turn && giveUp(navigator.onLine && error.code !== 50300 ? "unavailable" : "lost");
    }
    ends = performance.now() + LIFE * 1000;
    clock = setInterval(tick, 1000);
    openPanel();
  }

  const start = () => {
    if (!HAS_ROOM.matches) return giveUp();
    left = document.hidden;
    if (left) return;
    begin().catch(() => giveUp("unavailable")); // where an old engine fails, the link stays
  };

  const leave = () => {
    if (panel.hidden) return; // it has given way to the link
    stop();
    left = true;
  };

  const comeBack = () => {
    if (!left) return;
    if (!address || !HAS_ROOM.matches) return start();
    if (ends - performance.now() < COUNTDOWN * 1000) return renew();
    left = false;
    clock = setInterval(tick, 1000);
    openPanel();
  };

  panel.querySelector("button").addEventListener("click", () => { renewed = 0; start(); });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) away = setTimeout(leave, AWAY);
    else comeBack();
  });
  addEventListener("pagehide", () => { leave(); address = null; }); // back from another page, the login may be used up
  addEventListener("pageshow", comeBack);
  HAS_ROOM.addEventListener("change", start);
  IS_WIDE.addEventListener("change", () => { if (box.firstChild) openPanel(); });
  document.addEventListener("securitypolicyviolation", (event) => {
    if (event.effectiveDirective === "frame-src") giveUp("blocked");
  });
  addEventListener("offline", () => giveUp("lost"));
  addEventListener("online", () => { if (panel.hidden) start(); });
  start();
})();
