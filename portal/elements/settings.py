"""Settings of an element file, checked as they are read."""

import re
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, quote, urlsplit

from portal.elements.addresses import is_local, plain_host
from portal.errors import SETTING_MISSING, SETTING_WRONG, Code

PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")  # of a redirect address

MARK_LONGEST = 2  # characters that fit on a badge


class SettingsReader:
    """Reads an element's settings.

    Every error names file and key.
    """

    @property
    def file(self) -> str:
        return f"auths/loginTypes/{self.name}/{self.name}.json"

    @property
    def in_production(self) -> bool:
        return self.app.config["PORTAL_ENV"] == "production"

    def wrong_setting(self, key: str, why: str) -> Code:
        """Return the error for a setting that makes no sense.

        :param why: goes on after the key: "must be a text".
        """
        return Code(SETTING_WRONG, f"{self.file}: {key} {why}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text setting without blanks around it.

        A number counts as its text.
        """
        value = self.settings.get(key, default)
        if type(value) is int:
            value = str(value)
        if value is None or value == "":
            raise Code(SETTING_MISSING, f"{self.file}: {key} is missing")
        if not isinstance(value, str) or not value.strip():
            raise self.wrong_setting(key, "must be a text")
        return value.strip()

    def choice(self, key: str, allowed: Collection[str], default: str) -> str:
        """Return a text setting that is one of some words."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.wrong_setting(key, f"must be one of: {', '.join(allowed)}")
        return value

    def read_mark(self, default: str) -> str:
        """Return the characters for the element's badge."""
        if "mark" not in self.settings:
            return default
        value = self.text("mark")
        if len(value) > MARK_LONGEST:
            raise self.wrong_setting("mark", f"must have at most {MARK_LONGEST} characters")
        return value

    def text_list(self, key: str, required: bool = False) -> list[str] | None:
        """Return a setting that is a list of texts.

        `None` where it is missing and may be.
        """
        values = self.settings.get(key)
        if values is None and not required:
            return None
        if values is None:
            raise Code(SETTING_MISSING, f"{self.file}: {key} is missing")
        if not isinstance(values, list) or not values or not all(isinstance(v, str) and v.strip() for v in values):
            raise self.wrong_setting(key, "must be a list of texts")
        return [value.strip() for value in values]

    def flag(self, key: str, default: bool) -> bool:
        """Return a setting that is true or false."""
        value = self.settings.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong_setting(key, "must be true or false")
        return value

    def address(self, key: str, default: str | None = None, origin: bool = True) -> str:
        """Return a setting that is an address.

        It is https, or http on this machine. In production it is no address of this machine: any program that listens
        on a port here could name the person to sign in.

        :param origin: whether it must end after host and port.
        """
        value = self.text(key, default).rstrip("/") if origin else self.text(key, default)
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - raises for a port that is none
            local = is_local(plain_host(parts.hostname or ""))
        except ValueError:
            raise self.wrong_setting(key, "is not an address such as https://open.example.com") from None
        if local and self.in_production:
            why = "is an address of this machine, which production refuses: any program here could answer"
            raise self.wrong_setting(key, why)
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise self.wrong_setting(key, "must start with https:// (http:// only on this machine)")
        has_more = origin and (parts.path or parts.query or parts.fragment)
        if parts.username is not None or has_more or not value.isprintable() or re.search(r"[\s\\]", value):
            raise self.wrong_setting(key, "must be an address such as https://open.example.com")
        if local:
            self.local_origins.append(self.origin_of(value))
        return value

    def addresses(self, hosts: Mapping[str, str]) -> dict[str, str]:
        """Return the origins of a platform's hosts, by their keys.

        :param hosts: key -> the platform's own origin.
        """
        return {key: self.address(key, default) for key, default in hosts.items()}

    def proxy(self) -> dict:
        """Return the forward proxy for calls, as options for Authlib.

        There is none without `httpProxy`. Some companies need one for its fixed address, others have no other way out.
        """
        if "httpProxy" not in self.settings:
            return {}
        value = self.text("httpProxy")
        try:
            parts = urlsplit(value)
            sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            sound = False
        if not sound or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise self.wrong_setting("httpProxy", "must be an address such as http://proxy.example.com:3128")
        return {"proxies": {"http": value, "https": value}}

    def redirect_uri(self) -> str:
        """Return the callback's address.

        It is sent as written, and on the portal's own host. Without the setting it is the one every element has.
        """
        base = self.app.config["PORTAL_BASE_URL"]
        if "redirectUri" not in self.settings:
            return f"{base}/login/{self.name}/callback"
        value = self.text("redirectUri")
        try:
            parts, ours = urlsplit(value), urlsplit(base)
            same = origin_parts(parts) == origin_parts(ours) and parts.username is None
        except ValueError:
            same = False
        if not same or not PATH.fullmatch(parts.path) or "#" in value or not value.isprintable() or " " in value:
            raise self.wrong_setting(
                "redirectUri", f"must be an address below PORTAL_BASE_URL ({base}/…), without a fragment"
            )
        return value

    def file_source(self, address: str) -> str:
        """Return a file's address as a content policy names it.

        It has no query, and `;` and `,`, which part a policy's rows, are quoted.
        """
        return self.origin_of(address) + quote(urlsplit(address).path, safe="%/:@!$&'()*+=~")

    def origin_of(self, address: str) -> str:
        """Return scheme and host of an address."""
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"


def origin_parts(parts: SplitResult) -> tuple:
    """Return scheme, host and port of a split address.

    A scheme's own port counts as written.
    """
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
