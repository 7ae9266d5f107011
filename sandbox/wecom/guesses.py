"""Facts about WeCom that are not certain.

An answer from the real platform changes one line here.
"""

# Server API
GONE = 60111  # user/get of a member who has left or never was; it may be 60011
OUTSIDE = 60011  # a member or department out of the app's range; department calls may say 60003 or 60123
UNKNOWN_IN_LIST = 60003  # an unknown department at user/list and user/simplelist
UNKNOWN_DEPARTMENT = 60123  # an unknown department at department/list and department/get
NOT_THE_SYNC_SECRET = 48002  # user/list_id with another secret than the contact-sync assistant's
EXPIRED_AS = 42001  # how an expired token is refused; some report 40014
REVOKED_AS = 40014
HONOURS_FETCH_CHILD = False  # gone from the parameter tables, but named by the advice for 45029
SUCCESS_HEADERS = {"Error-Code": "0", "Error-Msg": "ok"}  # seen beside errors only

# Login pages
CONSENT_NEEDS_AGENTID = True  # one page says so, another that snsapi_base is asked for instead
AFTER_REFUSAL = ("state",)  # what the redirect address gets; documented for the old page only
READY = {"type": "ww-iframe-handle:ready"}
PANEL_CHANNEL = False  # whether the panel offers `"supportChannel": true`: the page's script takes both
PANEL_EARLY = False  # whether it says `ready` before the page around it has greeted; the page's script takes both
PANEL_LIFETIME = 300  # seconds until it asks for a refresh, of which it tells the page around it nothing
REFUSED = {"errCode": 1, "errMsg": "cancelled by the user"}  # for onLoginFail: no real pair is known
