// WeCom's login panel. It asks for the outcome of a click, then tells the page around this frame or redirects a page.
(() => {
  const { kind, origin, ready, early, failure, lifetime, inClient, outcome } = document.currentScript.dataset;
  const isFramed = parent !== window;
  const tells = kind === "callback" && isFramed;
  let port = null;
  let calls = 0;
  let introduced = false;

  const say = (message) => {
    const text = JSON.stringify(message);
    if (port) port.postMessage(text);
    else parent.postMessage(text, origin);
  };

  const call = (name, payload) => {
    calls += 1;
    say({ type: "ww-iframe-handle:call", uid: String(calls), args: { type: "call", name, payload } });
  };

  const typeOf = (data) => {
    try {
      return (typeof data === "string" ? JSON.parse(data) : data)?.type;
    } catch {
      return undefined;
    }
  };

  const introduce = () => {
    if (introduced) return; // its `ready` may have crossed the greeting
    introduced = true;
    say(JSON.parse(ready));
    call("onCheckWeComLogin", { isWeComLogin: JSON.parse(inClient) });
    if (failure !== "null") call("onLoginFail", JSON.parse(failure));
  };

  // The page greets once this frame has loaded. Later outcomes need no further greeting.
  const greeted = new Promise((done) => {
    addEventListener("message", (event) => {
      if (event.source !== parent || event.origin !== origin) return;
      const type = typeOf(event.data);
      if (type === "ww-iframe-handle:set-port") port = event.data.port;
      if (type !== "ww-iframe-handle:init") return;
      introduce();
      done();
    });
    if (!isFramed || !JSON.parse(early)) return;
    introduce();
    done();
  });

  const handOver = async ({ address, call: [name, payload] }) => {
    if (tells) {
      await greeted;
      call(name, payload);
    } else if (kind === "self") {
      location.assign(address);
    } else {
      top.location.href = address; // `assign` is closed to a frame of another origin
    }
  };

  const answer = async (button) => {
    const form = new FormData(button.form);
    form.append(button.name, button.value);
    const words = { method: "POST", body: new URLSearchParams(form), headers: { Accept: "application/json" } };
    const reply = await fetch(location.href, words);
    if (reply.headers.get("Content-Type").startsWith("application/json")) return handOver(await reply.json());
    const problem = new DOMParser().parseFromString(await reply.text(), "text/html");
    return document.querySelector("main").replaceWith(problem.querySelector("main"));
  };

  // Clicks, not submits, because a panel for another origin's page may run in a sandbox without forms.
  const leadsTop = kind === "top" && top !== window;
  if (tells || leadsTop) document.querySelectorAll("form button[name]").forEach((button) => {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      answer(button);
    });
  });
  document.querySelector("#open")?.addEventListener("click", () => call("onOpenInWecom", undefined));
  if (outcome) handOver(JSON.parse(outcome));
  else setTimeout(() => {
    const form = document.querySelector("form");
    if (!form) return; // a problem has taken its place
    form.hidden = true;
    document.querySelector("#expired").hidden = false;
  }, lifetime * 1000);
})();
