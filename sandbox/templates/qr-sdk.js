// A substitute for Feishu's QR SDK {{ version }}. Unlike the genuine one it takes http, ports and hosts without a dot
// in `goto`. Its faults are the genuine one's.
(() => {
  const version = {{ version|tojson }};
  const PLATFORM = /^https:\/\/([\w-]+\.)?(feishu(-boe|-pre)?\.cn|larksuite(-boe|-pre)?\.com)/;
  const HTTPS = /^https:\/\/([\w-]+\.)+\w+/;

  const QRLogin = ({ id, goto, width, height, style }) => {
    const origin = /^https?:\/\/[^/?#]+/.exec(goto)?.[0];
    if (!origin) throw new Error('The param "goto" is not valid.');

    const path = goto.includes("suite/passport") ? "/suite/passport/sso/qr" : "/accounts/auth_login/qr";
    const suffix = version === "1.0.3" ? `&sdk_version=${version}` : "";
    const frame = document.createElement("iframe");
    frame.setAttribute("width", width); // the word "undefined" where it is not given
    frame.setAttribute("height", height);
    frame.setAttribute("style", style); // a strict content policy drops even an empty one, and reports it
    frame.setAttribute("src", `${origin}${path}?goto=${encodeURIComponent(goto)}${suffix}`);
    document.getElementById(id)?.append(frame); // a missing container is ignored, a second call adds a second frame

    // The genuine faults: only the beginning is checked, so https://feishu.cn.evil.example passes for
    // https://feishu.cn. And where `goto` is not Feishu's, any https origin passes.
    const elsewhere = (other) => HTTPS.test(other) || String(other).startsWith(origin);
    const matchOrigin = (other) => (PLATFORM.test(goto) ? PLATFORM.test(other) : elsewhere(other));
    if (version !== "1.0.3") return { matchOrigin };

    // A guess: it is not known whether the genuine test takes an empty temporary code.
    const matchData = (data) => data?.source === "qrcode" && typeof data.tmp_code === "string";
    return { matchOrigin, matchData };
  };

  window.QRLogin = QRLogin;
  window.LarkSSOSDKWebQRCode = { QRLogin }; // the name is genuine, what it holds is a guess
})();
