"""User agents of the platforms' clients and of browsers."""

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 13; M2102J2SC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
OF_FEISHU = "LarkLocale/zh_CN ChannelName/Feishu"

FEISHU_CLIENT = {
    "android": f"{ANDROID} Chrome/108.0.5359.128 Mobile Safari/537.36 Lark/6.9.9 {OF_FEISHU} TTWebView/0881130058831",
    "iphone": f"{IPHONE} Mobile/15E148 Lark/7.62.12 {OF_FEISHU} LKBrowserIdentifier/0F3A5B1C",
    "windows": f"{WINDOWS} Lark/7.12.7 Chrome/120.0.6099.291 Safari/537.36 {OF_FEISHU}",
    "mac": f"{MAC} Lark/7.12.7 Chrome/120.0.6099.291 Safari/537.36 {OF_FEISHU} WebApp",
    "lark": f"{WINDOWS} Lark/7.12.7 Chrome/120.0.6099.291 Safari/537.36 LarkLocale/en_US",
}
WECOM_CLIENT = {
    "android": f"{ANDROID} Chrome/116.0.0.0 Mobile Safari/537.36 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh",
    "iphone": f"{IPHONE} Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh",
    "windows": f"{WINDOWS} Chrome/108.0.5359.215 Safari/537.36 wxwork/5.0.11 (MicroMessenger/6.2) WindowsWechat "
    "MailPlugin_Electron WeMail embeddisk wwmver/3.26.11.616",
    "mac": f"{MAC} Chrome/108.0.5359.215 Safari/537.36 wxwork/5.0.11 (MicroMessenger/6.2)",
}
WECHAT_CLIENT = {
    "android": f"{ANDROID} Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600 Language/zh_CN",
    "iphone": f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.49 Language/zh_CN",
    "windows": f"{WINDOWS} Chrome/107.0.0.0 Safari/537.36 MicroMessenger/7.0.20 WindowsWechat(0x63090a13)",
}
PHONE_BROWSER = {
    "android": f"{ANDROID} Chrome/120.0.0.0 Mobile Safari/537.36",
    "iphone": f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
}
DESKTOP_BROWSER = {
    "windows": f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36",
    "mac": f"{MAC} Chrome/120.0.0.0 Safari/537.36",
}
