// Make the calls named on standard input with Feishu's SDK for Node, one after another, and print the answers.

const { readFileSync } = require("node:fs");
const lark = require("@larksuiteoapi/node-sdk");

const { url, app, calls } = JSON.parse(readFileSync(0, "utf8"));
const client = new lark.Client({
  appId: app.app_id,
  appSecret: app.app_secret,
  domain: url,
  oauthBaseUrl: url,
  loggerLevel: lark.LoggerLevel.fatal,
});

async function answer({ call, payload, user }) {
  const path = call.split(".");
  const method = path.pop();
  const owner = path.reduce((at, name) => at[name], client);
  try {
    return await owner[method](payload, user ? lark.withUserAccessToken(user) : undefined);
  } catch (error) {
    return { status: error.response?.status ?? error.statusCode, ...(error.response?.data ?? { code: error.code }) };
  }
}

(async () => {
  const answers = [];
  for (const call of calls) answers.push(await answer(call));
  console.log(JSON.stringify(answers));
})();
