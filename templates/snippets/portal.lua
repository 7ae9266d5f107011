-- The portal's gate for HAProxy: asks the portal about each request. Load it once; it serves all applications.

local TO_PORTAL = {"cookie", "accept", "accept-language", "sec-fetch-mode", "sec-fetch-dest", "x-requested-with"}
local TO_VISITOR = {"location", "content-type", "content-security-policy", "cache-control", "referrer-policy"}
local IDENTITY = { {%- for header in identity %}"{{ header | lower }}"{% if not loop.last %}, {% endif %}{% endfor -%} }

local function ask(txn, name)
  local headers, arrived = {}, txn.http:req_get_headers()
  for _, header in ipairs(TO_PORTAL) do
    if arrived[header] then
      -- One line for all of a name: HAProxy 2.6 ends when a question has more than a hundred.
      local values = {}
      for _, value in pairs(arrived[header]) do table.insert(values, value) end
      headers[header] = {table.concat(values, header == "cookie" and "; " or ", ")}
    end
  end
  headers["x-forwarded-method"] = {txn.f:method()}
  headers["x-forwarded-proto"] = {txn.f:ssl_fc() == 1 and "https" or "http"}
  headers["x-forwarded-host"] = {txn.f:req_hdr("host")}
  headers["x-forwarded-uri"] = {txn.f:pathq()}
  headers["x-forwarded-for"] = {txn.f:src()}
  -- The frontend `portal_check` in between keeps the time limit: a limit of this call itself has no effect in HAProxy 2.6.
  local client = core.httpclient()
  return client:get{url = "http://portal/_portal/" .. name .. "/forward-auth", headers = headers, dst = "abns@portal_check"}
end

core.register_action("portal_gate", {"http-req"}, function(txn, name)
  local answer = ask(txn, name)
  if answer.status == 200 then
    for _, header in ipairs(IDENTITY) do
      if answer.headers[header] then txn.http:req_set_header(header, answer.headers[header][0]) end
    end
    txn:set_var("txn.portal_passed", true)
    return
  end
  local reply = txn:reply()
  if answer.status == 303 or answer.status == 401 or answer.status == 403 then
    reply:set_status(answer.status)
    for _, header in ipairs(TO_VISITOR) do
      if answer.headers[header] then reply:add_header(header, answer.headers[header][0]) end
    end
    reply:set_body(answer.body)
  else  -- without an answer of the portal nothing passes
    reply:set_status(503)
    reply:add_header("cache-control", "no-store")
    reply:add_header("retry-after", "10")
    reply:add_header("content-type", "text/plain; charset=utf-8")
    reply:set_body("The login portal does not answer. Try again in a minute.\n登录门户没有应答，请过一分钟再试。\n")
  end
  txn:done(reply)
end, 1)
