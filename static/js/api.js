// The login elements for scripts: `api.getLoginConfig(fullName)` and `api.loginWithCode(fullName, {authCode, state})`.
// Both return promises. A rejection is an Error with `code`, a number of the portal's error table, and `message`.

(() => {
  const TOO_OLD = 40310;
  const meta = document.querySelector('meta[name="csrf-token"]');
  let token = meta ? meta.content : null;

  const fail = (code, message) => Object.assign(new Error(message), { code });

  async function fetchToken() {
    const answer = await fetch("/api/csrf", { credentials: "same-origin" });
    return (await answer.json()).csrfToken;
  }

  async function post(path, body) {
    let answer;
    try {
      answer = await fetch(path, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify(body),
      });
      return await answer.json();
    } catch {
      throw fail(50300, answer ? "The answer makes no sense." : "The portal can't be reached.");
    }
  }

  async function call(fullName, method, body) {
    const path = `/api/${fullName.split(".").map(encodeURIComponent).join("/")}/${method}`;
    if (!token) token = await fetchToken().catch(() => { throw fail(50300, "The portal can't be reached."); });
    let answer = await post(path, body);
    if (answer.errcode === TOO_OLD) { // the page was open when its token ended, or another tab has replaced it
      token = await fetchToken().catch(() => token);
      document.querySelectorAll("input[name=csrf_token]").forEach((field) => { field.value = token; });
      answer = await post(path, body);
    }
    if (answer.errcode !== 0) throw fail(answer.errcode, answer.errmsg);
    return answer.data;
  }

  window.api = {
    // options: `kind` (qr, redirect, in_app, auth_code) and `next`, a path of the portal
    getLoginConfig: (fullName, options = {}) => call(fullName, "getLoginConfig", options),
    loginWithCode: (fullName, { authCode, state }) => call(fullName, "getLoginCode", { authCode, state }),
  };
})();
