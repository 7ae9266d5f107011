// Inside the Feishu client: ask it for a login code and submit the form that is on the page.
// At most two ways without a tap: requestAccess, then requestAuthCode in an old client, else the silent page of the platform.

(() => {
  const form = document.querySelector("#in-app");
  const WAIT = 4000; // ms for the script, for its being ready, and for each answer
  const TOO_OLD = 103;
  const DENIED = 107;
  const MOST_WAYS = 2; // without a tap

  const show = (state) => {
    form.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
    form.querySelector("[data-actions]").hidden = state === "waiting";
  };

  const within = (promise) => {
    const late = new Promise((_, no) => setTimeout(no, WAIT, { late: true }));
    return Promise.race([promise, late]);
  };

  const loadScript = () => new Promise((yes, no) => {
    const script = document.createElement("script");
    script.src = form.dataset.script;
    script.onload = yes;
    script.onerror = no;
    document.head.append(script);
  });

  const ready = () => new Promise((yes, no) => {
    window.h5sdk.error(no);
    window.h5sdk.ready(yes);
  });

  // Ask the client by one of its calls; the state says which, and so how the code is exchanged.
  async function ask(call, appKey, kind) {
    const options = form.dataset.next ? { kind, next: form.dataset.next } : { kind };
    const { state } = await window.api.getLoginConfig(form.dataset.element, options);
    const code = await within(new Promise((yes, no) => {
      const words = { [appKey]: form.dataset.app, success: (found) => yes(found.code), fail: no };
      window.tt[call](kind === "in_app" ? { ...words, scopeList: [], state } : words);
    }));
    form.elements.state.value = state;
    form.elements.code.value = code;
    form.submit();
  }

  async function run() {
    show("waiting");
    try {
      await within(loadScript());
      await within(ready());
    } catch {
      location.replace(form.dataset.start); // no client, or none that answers: its page may still know who you are
      return;
    }
    let ways = 0;
    try {
      if (window.tt && typeof window.tt.requestAccess === "function") {
        ways += 1;
        try {
          return await ask("requestAccess", "appID", "in_app");
        } catch (reason) {
          if (!reason || reason.errno !== TOO_OLD) throw reason;
        }
      }
      ways += 1;
      await ask("requestAuthCode", "appId", "auth_code");
    } catch (reason) {
      const told = reason || {};
      if (told.errno === DENIED) return show("denied");
      if (ways === MOST_WAYS || told.errno || told.errCode || told.code) return show("failed");
      location.replace(form.dataset.start);
    }
  }

  run();
})();
