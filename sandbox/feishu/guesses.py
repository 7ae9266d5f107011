"""Facts about Feishu that are not certain.

An answer from the real platform changes one line here.
"""

# Token endpoints
READS_JSON_SENT_AS_FORM = True  # v2 and v3; the application's token request does
OIDC_TAKES_TOKEN_IN_BODY = True  # v1 does, where no header is sent
V3_TAKES_PKCE = True  # documented; a project reports 20049 for a correct pair: larksuite/oapi-sdk-go#230
REFRESH_TOKEN_FIRST = True  # v2 and v3 look a code up before the client, and so perhaps a refresh token

# Directory
DESCRIPTION = "contact:user.base:readonly *"  # the permission that shows a user's `description`
ABSENT_WHEN_UNSET = ("nickname", "enterprise_email", "leader_user_id")  # the last is not proven
OLD_LIST_PARENT = "0"  # where the old list of departments begins if the request does not say
