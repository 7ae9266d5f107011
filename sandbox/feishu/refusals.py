"""The refusals of the token endpoints.

Each reason has numbers and words of its own in each dialect.

The texts are Feishu's own, from the tables at the end of these pages:
https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token  (v2, v3)
https://open.feishu.cn/document/authentication-management/access-token/refresh-user-access-token  (v2, v3)
https://open.feishu.cn/document/historic-version/authen/create-3  (v1, oidc)
Passport has no page: its texts are from published live answers.
"""

REFUSALS = {  # reason: number in v1, in oidc, in v2 and v3; OAuth's word
    "incomplete": (20001, 20001, 20063, "invalid_request"),
    "grant_type": (20001, 20036, 20036, "unsupported_grant_type"),
    "app_token": (None, 20014, None, ""),
    "two_credentials": (None, None, 20070, "invalid_request"),
    "unknown_app": (None, None, 20048, "invalid_client"),
    "secret": (None, None, 20002, "invalid_client"),
    "disabled": (20009, 20042, 20069, "unauthorized_client"),
    "not_installed": (20009, 20009, 20009, "unauthorized_client"),
    "barred": (20010, 20010, 20010, "access_denied"),
    "unknown_code": (20007, 20003, 20003, "invalid_grant"),
    "used_code": (20007, 20003, 20065, "invalid_grant"),
    "expired_code": (20007, 20004, 20004, "invalid_grant"),
    "foreign": (20024, 20024, 20024, "invalid_grant"),
    "redirect_uri": (None, None, 20071, "invalid_grant"),
    "verifier": (None, None, 20049, "invalid_grant"),
    "scope_twice": (None, None, 20067, "invalid_scope"),
    "scope_beyond": (None, None, 20068, "invalid_scope"),
    "no_user": (20008, 20008, 20008, "invalid_grant"),
    "resigned": (20021, 20021, 20066, "access_denied"),
    "exited": (20021, 20021, 20066, "access_denied"),
    "frozen": (20022, 20022, 20066, "access_denied"),
    "inactive": (20023, 20023, 20066, "access_denied"),
    "refresh_off": (20007, 20007, 20074, "unauthorized_client"),
    "unknown_refresh": (20007, 20026, 20026, "invalid_grant"),
    "used_refresh": (20007, 20038, 20073, "invalid_grant"),
    "revoked_refresh": (20007, 20026, 20064, "invalid_grant"),
    "expired_refresh": (20007, 20037, 20037, "invalid_grant"),
}
OAUTH_TEXTS = {
    20002: "The client secret is invalid.",
    20003: "The authorization code is not found. Please note that an authorization code can only be used once.",
    20004: "The authorization code has expired.",
    20008: "The user does not exist.",
    20009: "The specified app is not installed.",
    20010: "The user does not have permission to use this app.",
    20024: "The provided authorization code or refresh token does not match the provided client ID.",
    20026: "The refresh token passed is invalid. Please check the value.",
    20036: "The specified grant_type is not supported.",
    20037: "The refresh token passed has expired. Please generate a new one.",
    20048: "The specified app does not exist.",
    20049: "PKCE code challenge failed.",
    20063: "The request is malformed. Please check your request.",
    20064: "The refresh token has been revoked. Please note that a refresh token can only be used once.",
    20065: "The authorization code has been used. Please note that an authorization code can only be used once.",
    20066: "The user status is invalid.",
    20067: "The provided scope list contains duplicate scopes. Please ensure all scopes are unique.",
    20068: "The provided scope list contains scopes that are not permitted. Please ensure all scopes are allowed.",
    20069: "The specified app is not enabled.",
    20070: "Multiple authentication methods were provided. Please only use one to proceed.",
    20071: "The provided redirect URI does not match the one used during authorization.",
    20073: "The refresh token has been used. Please note that a refresh token can only be used once.",
    20074: "The specified app is not allowed to refresh token.",
}
ENVELOPE_TEXTS = {
    20001: "Invalid request. Please check request param",
    20003: "The code passed is invalid. Please note that the code could only be used once",
    20004: "The code passed has expired. Please generate a new one",
    20007: "Failed to generate a user access token. Please try again",
    20008: "User not exist",
    20009: "Tenant has not installed the app",
    20010: "User has no permission to use the app",
    20014: "The app access token passed is invalid. Please check the value",
    20021: "User resigned",
    20022: "User frozen",
    20023: "User not registered",
    20024: "App id in user_access_token or refresh_token diff with app id in app_access_token or tenant_access_token. "
    "Please keep the app id consistent",
    20026: "The refresh token passed is invalid. Please check the value",
    20036: "The grant_type passed is not supported",
    20037: "The refresh token passed has expired. Please generate a new one",
    20038: "The refresh token passed is not found. Please check the value",
    20042: "App disabled",
}
PASSPORT = {  # reason: OAuth's word, text; for the others the words of v2
    "unknown_code": ("invalid_grant", "invalid code"),
    "used_code": ("invalid_grant", "invalid code"),
    "expired_code": ("invalid_grant", "invalid code"),
    "redirect_uri": ("invalid_request", "The redirect_uri does not match the token."),
}


class Denied(Exception):
    """A refusal for a reason from `REFUSALS`.

    The dialect puts it into its own words.
    """


def build_envelope(column, reason):
    """Return the body of a refusal at v1 or oidc.

    :param column: 0 for v1, 1 for oidc.
    """
    number = REFUSALS[reason][column]
    return {"code": number, "msg": ENVELOPE_TEXTS[number]}


def build_flat(reason):
    """Return the body of a refusal at v2 or v3."""
    _, _, number, word = REFUSALS[reason]
    return {"error": word, "error_description": OAUTH_TEXTS[number], "code": number}


def build_passport(reason):
    """Return the body of a refusal at passport, without number."""
    body = build_flat(reason)
    word, text = PASSPORT.get(reason, (body["error"], body["error_description"]))
    return {"error": word, "error_description": text}
