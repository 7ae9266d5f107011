// Get Feishu login configuration
const config = await api.getLoginConfig('auths.loginTypes.FSInnerExample');
// Build Feishu login URL
const loginUrl = `https://passport.feishu.cn/suite/passport/oauth/authorize?client_id=${config.appId}&redirect_uri=${encodeURIComponent(config.redirectUri)}&response_type=code&state=${config.state}`;
// Handle authorization callback
const urlParams = new URLSearchParams(window.location.search);
const authCode = urlParams.get('code');
if (authCode) {
const userInfo = await api.loginWithCode('auths.loginTypes.FSInnerExample', {
authCode: authCode,
state: urlParams.get('state')
});
}
