// Inside the Feishu client: ask it for a login code, and submit the form of the page.
// It tries at most two ways without a tap: requestAccess, then requestAuthCode in an old client, or else the platform's
// silent page.

(() => {
  const form = document.querySelector("#in-app");
  const WAIT = 4000; // ms to load the script, to be ready, and for each answer
  const TOO_OLD = 103; // the client does not know the call
  const DENIED = 107; // the person refused
  const MOST_WAYS = 2; // tried without a tap

  const show = (state) => {
    form.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
    form.querySelector("[data-actions]").hidden = state === "waiting";
  };

  const within = (promise) => {
    const tooLate = new Promise((_, reject) => setTimeout(reject, WAIT, { late: true }));
    return Promise.race([promise, tooLate]);
  };

  const loadScript = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = form.dataset.script;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });

  const waitUntilReady = () => new Promise((resolve, reject) => {
    window.h5sdk.error(reject);
    window.h5sdk.ready(resolve);
  });

  // Ask the client by one of its calls. The state holds the kind of login, which decides how the code is exchanged.
  async function requestCode(call, appKey, kind) {
    const options = form.dataset.next ? { kind, next: form.dataset.next } : { kind };
    const { state } = await window.api.getLoginConfig(form.dataset.element, options);
    const code = await within(new Promise((resolve, reject) => {
      const request = { [appKey]: form.dataset.app, success: (answer) => resolve(answer.code), fail: reject };
      window.tt[call](kind === "in_app" ? { ...request, scopeList: [], state } : request);
    }));
    form.elements.state.value = state;
    form.elements.code.value = code;
    form.submit();
  }

  async function run() {
    show("waiting");
    try {
      await within(loadScript());
      await within(waitUntilReady());
    } catch {
      location.replace(form.dataset.start); // no client answers; the platform's page may still know the person
      return;
    }
    let ways = 0;
    try {
      if (window.tt && typeof window.tt.requestAccess === "function") {
        ways += 1;
        try {
          return await requestCode("requestAccess", "appID", "in_app");
        } catch (reason) {
          if (!reason || reason.errno !== TOO_OLD) throw reason;
        }
      }
      ways += 1;
      await requestCode("requestAuthCode", "appId", "auth_code");
    } catch (reason) {
      const error = reason || {};
      if (error.errno === DENIED) return show("denied");
      if (ways === MOST_WAYS || error.errno || error.errCode || error.code) return show("failed");
      location.replace(form.dataset.start);
    }
  }

  run();
})();
