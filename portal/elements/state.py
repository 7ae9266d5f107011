"""The state of a login.

It is random, signed together with element, kind and time, and has letters and digits only.
"""

import hashlib
import hmac
import secrets
import struct
import time
from base64 import urlsafe_b64encode

from portal.clocks import SKEW
from portal.errors import BAD_CODE, BAD_STATE, Code

KINDS = ("redirect", "qr", "in_app", "auth_code")
STATE_LIFE = 600  # seconds
STATE_FORM = struct.Struct(">16sIB")  # random, time it was made, kind
SIGNATURE_SIZE, VERIFIER_SIZE = 16, 32  # bytes
CODE_LONGEST = 4096  # characters


class LoginState:
    """Makes and reads the state of an element's logins."""

    def make_state(self, kind: str) -> str:
        """Return a fresh state for a login of one kind.

        :raises ValueError: for a kind that is none of `KINDS`.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        body = STATE_FORM.pack(secrets.token_bytes(16), int(time.time()), KINDS.index(kind))
        return (body + self.sign(self.list_keys()[0], b"state", body)).hex()

    def read_state(self, state: str) -> str:
        """Return the kind of login a state was made for.

        :raises Code: BAD_STATE unless this element made it within the last ten minutes.
        """
        if self.find_key(state) is None:
            raise Code(BAD_STATE, "the state is not one of this element")
        _, made_at, kind = STATE_FORM.unpack(bytes.fromhex(state)[: STATE_FORM.size])
        if not -SKEW <= time.time() - made_at <= STATE_LIFE:
            raise Code(BAD_STATE, "the state is older than ten minutes")
        return KINDS[kind]

    def has_made(self, state: str) -> bool:
        """Tell whether this element made a state, however long ago."""
        return self.find_key(state) is not None

    def read_code(self, code: str) -> str:
        """Return a login code.

        :raises Code: BAD_CODE for what no platform can have made.
        """
        sound = isinstance(code, str) and 0 < len(code) <= CODE_LONGEST and code.isascii() and code.isprintable()
        if not sound or " " in code:
            raise Code(BAD_CODE, "this is not a login code")
        return code

    def code_verifier(self, state: str) -> str:
        """Return the PKCE verifier of a login.

        It is derived from the login's state, so that nothing is stored. The key is the one that has signed the state,
        or a login under way would not outlive a change of keys.
        """
        key = self.find_key(state) or self.list_keys()[0]
        digest = self.sign(key, b"pkce", state.encode(), size=VERIFIER_SIZE)
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def list_keys(self) -> list[bytes]:
        """Return the secret key, then the former ones."""
        config = self.app.config
        return [key.encode() for key in (config["PORTAL_SECRET_KEY"], *config["PORTAL_SECRET_KEY_FALLBACKS"])]

    def find_key(self, state: str) -> bytes | None:
        """Return the key that has signed a state, if any."""
        try:
            raw = bytes.fromhex(state)
        except (ValueError, TypeError):
            return None
        body, signature = raw[: STATE_FORM.size], raw[STATE_FORM.size :]
        if raw.hex() != state:  # only the very text counts: fromhex() takes capitals and blanks, too
            return None
        genuine = (key for key in self.list_keys() if hmac.compare_digest(signature, self.sign(key, b"state", body)))
        return next(genuine, None)

    def sign(self, key: bytes, use: bytes, text: bytes, size: int = SIGNATURE_SIZE) -> bytes:
        """Return a signature.

        :param use: what it is for: one signature never passes for another use, or for another element's.
        :param size: bytes.
        """
        return hmac.digest(key, b"\0".join((use, self.fullName.encode(), text)), hashlib.sha256)[:size]
