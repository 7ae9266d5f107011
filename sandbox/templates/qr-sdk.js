// A stand-in for Feishu's QR SDK {{ version }}. Unlike the genuine one it takes http and ports; its faults are the genuine one's.
(() => {
  const version = {{ version|tojson }};
  const PLATFORM = /^https:\/\/([\w-]+\.)?(feishu(-boe|-pre)?\.cn|larksuite(-boe|-pre)?\.com)/;

  window.QRLogin = ({ id, goto, width = "300", height = "300", style }) => {
    const origin = /^https?:\/\/[^/?#]+/.exec(goto)?.[0];
    if (!origin) throw new Error('The param "goto" is not valid.');

    const path = goto.includes("suite/passport") ? "/suite/passport/sso/qr" : "/accounts/auth_login/qr";
    const suffix = version === "1.0.3" ? `&sdk_version=${version}` : "";
    const frame = document.createElement("iframe");
    frame.setAttribute("width", width);
    frame.setAttribute("height", height);
    if (style !== undefined) frame.setAttribute("style", style); // a strict content policy drops it
    frame.setAttribute("src", `${origin}${path}?goto=${encodeURIComponent(goto)}${suffix}`);
    document.getElementById(id)?.append(frame); // a missing container is ignored, a second call adds a second frame

    // The genuine fault: only the beginning is looked at, so https://feishu.cn.evil.example passes for https://feishu.cn.
    const matchOrigin = (other) => (PLATFORM.test(goto) ? PLATFORM.test(other) : String(other).startsWith(origin));
    if (version !== "1.0.3") return { matchOrigin };
    const matchData = (data) => data?.source === "qrcode" && typeof data.tmp_code === "string";
    return { matchOrigin, matchData };
  };
})();
