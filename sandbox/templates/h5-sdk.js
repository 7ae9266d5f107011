// A substitute for Feishu's H5 SDK inside the client. Each call loads a script from this file's own address, so that
// `script-src` needs no other address. A query does not count there, nor does a path after a redirect.
(() => {
  const jsapi = {{ jsapi|tojson }}; // how this client behaves, see the knob `client`
  const sdk = new URL(document.currentScript?.src || {{ request.base_url|tojson }});
  const sandbox = sdk.origin;
  const later = (callback, ...words) => callback && setTimeout(callback, 0, ...words);

  const ask = (call, query, answer) => {
    const page = location.origin + location.pathname;
    const script = document.createElement("script");
    script.src = `${sandbox}${sdk.pathname}?${new URLSearchParams({ jsapi: call, page, ...query })}`;
    script.answer = (result) => { script.remove(); answer(result); };
    script.onerror = () => script.answer({ errno: 303, errString: "offline" });
    document.head.append(script);
  };

  const settle = (options, result) => {
    later("code" in result ? options.success : options.fail, result);
    later(options.complete, result);
  };

  const requestAccess = (options) => {
    const query = { app_id: options.appID ?? "" };
    if (Array.isArray(options.scopeList)) query.scope = options.scopeList.join(" ");
    const state = "state" in options ? { state: options.state } : {};
    ask("requestAccess", query, (result) => {
      settle(options, "code" in result ? { ...result, ...state, errMsg: "requestAccess:ok" } : result);
    });
  };

  const requestAuthCode = (options) => {
    ask("requestAuthCode", { app_id: options.appId ?? "" }, (result) => settle(options, result));
  };

  const never = () => {};
  const closeWindow = (options = {}) => {
    settle(options, { code: 0 });
    location.assign(`${sandbox}/workspace/feishu`); // back to the client's app centre
  };

  window.h5sdk = {
    config: never,
    ready: (callback) => { if (jsapi !== "error" && jsapi !== "never_ready") later(callback); },
    error: (callback) => { if (jsapi === "error") later(callback, { errorCode: 101, errorMsg: "internal error" }); },
  };
  const silent = jsapi === "silent" || jsapi === "never_ready";
  window.tt = { requestAccess, requestAuthCode, closeWindow };
  if (silent) Object.assign(window.tt, { requestAccess: never, requestAuthCode: never });
  if (jsapi === "no_request_access") delete window.tt.requestAccess;
})();
