"""The codes and refresh tokens that an application spends."""

import base64
import hashlib
import hmac

from sandbox.feishu import guesses
from sandbox.feishu.dialects import V3
from sandbox.feishu.profile import STATES
from sandbox.feishu.refusals import Denied
from sandbox.world import world

YEAR = 365 * 86400  # seconds after which a consent cannot be prolonged


def find_code(dialect, fields):
    """Return the unspent code of the request."""
    if not fields.get("code"):
        raise Denied("incomplete")
    code = world.vault.find("code", fields["code"])
    takes = code and (code.app.accept_codes or {}).get(dialect.name)
    if code is None or (takes is not None and code.source not in takes):
        raise Denied("unknown_code")
    if code.used:
        raise Denied("used_code")
    if not world.vault.is_live(code):
        raise Denied("expired_code")
    return code


def check_code(dialect, app, code, fields):
    """Refuse a code the application may not spend so.

    A refused code can still be used.
    """
    if code.app is not app:
        raise Denied("foreign")
    if not dialect.enveloped:
        check_redirect_uri(code, fields)
        check_verifier(dialect, code, fields.get("code_verifier"))
    check_person(app, code.person)


def check_redirect_uri(code, fields):
    """Refuse another address than the code was sent to.

    The address may be left out.
    """
    if fields.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        raise Denied("redirect_uri")


def check_verifier(dialect, code, verifier):
    """Refuse a verifier that does not fit the challenge."""
    if code.challenge is None:
        if verifier and dialect.strict_pkce:
            raise Denied("verifier")
        return
    if dialect is V3 and not guesses.V3_TAKES_PKCE:
        raise Denied("verifier")
    challenge = verifier or ""
    if code.challenge_method == "S256":
        digest = hashlib.sha256(challenge.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(challenge.encode(), code.challenge.encode()):
        raise Denied("verifier")


def check_person(app, person):
    """Refuse a person that may not use the application."""
    if person.key not in world.feishu.directory.people:
        raise Denied("no_user")
    if app.allowed is not None and person.company not in app.allowed:
        raise Denied("not_installed")
    if person.state in STATES:
        raise Denied(person.state)
    if person.barred:
        raise Denied("barred")


def find_refresh_token(dialect, fields):
    """Return the unspent refresh token of the request."""
    if not fields.get("refresh_token"):
        raise Denied("incomplete")
    item = world.vault.find("refresh", fields["refresh_token"])
    if item is None or item.family not in dialect.refreshes:
        raise Denied("unknown_refresh")
    if item.used:
        raise Denied("used_refresh")
    if item.revoked:
        raise Denied("revoked_refresh")
    if not world.vault.is_live(item) or (item.family in V3.refreshes and world.now() >= item.consented + YEAR):
        raise Denied("expired_refresh")
    return item


def check_refresh_token(dialect, app, item, fields):
    """Refuse a refresh token the application may not spend.

    The access token beside it lives on.
    """
    if item.app is not app:
        raise Denied("foreign")
    if not app.refresh:
        raise Denied("refresh_off")
    check_person(app, item.person)


def narrow_scope(item, fields):
    """Return the granted scopes that the request names.

    Without a name in the request they are all.
    """
    wanted = (fields.get("scope") or "").split()
    if len(set(wanted)) < len(wanted):
        raise Denied("scope_twice")
    if not item.scope.issuperset(wanted):
        raise Denied("scope_beyond")
    return frozenset(wanted) or item.scope
