"""The present state of the pretend platforms.

It holds clock, applications, issued secrets and the people signed in. Everything is in memory and gone with
`World.reset()`. Requests are answered one at a time under `World.lock`.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from flask import current_app
from werkzeug.local import LocalProxy

from sandbox.company import Directory, Person

world = LocalProxy(lambda: current_app.extensions["sandbox"])


@dataclass(kw_only=True, eq=False)
class App:
    """The facts an application has on both platforms."""

    secret: str
    contact_range: dict | None = None  # {"departments": [ids], "users": [keys], "groups": [keys]}; None: all
    rate: float | None = None  # calls a second before the platform refuses
    limits: list = field(default_factory=list)  # pairs: so many calls of one kind in so many seconds
    disabled: bool = False
    trusted_ip: bool = True
    token_lifetime: int = 7200  # seconds


@dataclass(kw_only=True, eq=False)
class Issued:
    """A code, token or ticket that was handed out.

    A fact that is not set does not apply to its kind.
    """

    value: str
    kind: str
    app: App
    expires: float
    person: Person | None = None
    source: str = ""  # which page or call made the code
    redirect_uri: str | None = None
    scope: frozenset = frozenset()
    challenge: str | None = None
    challenge_method: str = "plain"
    family: str = ""  # tokens that may be exchanged for one another
    consented: float = 0  # when the person said yes
    used: bool = False
    revoked: bool = False


class Vault:
    """Everything issued, by its value."""

    def __init__(self, now):
        self.now = now
        self.issued = {}

    def issue(self, kind, value, lifetime, **facts):
        item = Issued(kind=kind, value=value, expires=self.now() + lifetime, **facts)
        self.issued[value] = item
        return item

    def find(self, kind, value):
        """Return the item of this kind and value, or None.

        Used and expired items are found, too.
        """
        item = self.issued.get(value) if isinstance(value, str) else None
        return item if item and item.kind == kind else None

    def is_live(self, item):
        return item is not None and not item.used and not item.revoked and self.now() < item.expires

    def count_seconds_left(self, item):
        """Return how many whole seconds an item has left."""
        return max(0, round(item.expires - self.now()))

    def list_issued_to(self, app):
        return [item for item in self.issued.values() if item.app is app]


class Meter:
    """Counts each application's calls, all together and of each kind."""

    def __init__(self, now):
        self.now = now
        self.calls = defaultdict(list)

    def count_call(self, app, kind):
        """Count a call unless it would exceed a limit.

        In that case return the limit and the seconds until it no longer would.
        """
        limits = [((app, kind), most, seconds) for most, seconds in app.limits]
        if app.rate is not None:
            limits.append((app, app.rate, 1))
        moment = self.now()
        for key, most, seconds in limits:
            recent = self.calls[key, seconds] = [at for at in self.calls[key, seconds] if at > moment - seconds]
            if len(recent) >= most:
                return most, (recent[0] if recent else moment) + seconds - moment
        for key, _, seconds in limits:
            self.calls[key, seconds].append(moment)
        return None


@dataclass
class Platform:
    """One pretend platform with its people, applications and clients."""

    directory: Directory
    apps: dict = field(default_factory=dict)
    client_person: str = "zhangsan"
    clients: dict = field(default_factory=dict)  # browsers that play the client, see `sandbox.client`
    jsapi: str = "ok"  # how the client answers a page's script
    grants: dict = field(default_factory=lambda: defaultdict(set))  # (app, person) -> scopes said yes to
    tickets: dict = field(default_factory=dict)  # QR codes by id, in the order they were shown

    @property
    def user(self):
        """The person signed in in the pretend client."""
        return self.directory.people[self.client_person]


@dataclass(frozen=True)
class Portal:
    """The portal to try out, and its logins."""

    url: str = "http://127.0.0.1:8000"
    feishu: tuple = ("FSInnerExample",)
    wecom: tuple = ("QywxInnerExample",)

    def page(self, path):
        return self.url.rstrip("/") + path


class World:
    """Both platforms and what they share.

    :param default_apps: platform name -> a function that returns its applications as they are at the start.
    """

    def __init__(self, default_apps, portal, people=0, departments=0):
        self.lock = threading.RLock()
        self.default_apps = default_apps
        self.default_portal = portal
        self.crowd = (people, departments)
        self.platforms = {}
        self.reset()

    def reset(self):
        self.offset = 0.0
        self.vault = Vault(self.now)
        self.meter = Meter(self.now)
        self.portal = self.default_portal
        for name, make_default_apps in self.default_apps.items():
            platform = self.platforms.get(name)
            is_usable = platform is not None and not platform.directory.is_changed
            directory = platform.directory if is_usable else Directory(*self.crowd)
            self.platforms[name] = Platform(directory, make_default_apps())

    def now(self):
        """Return the sandbox's time in seconds since 1970.

        The clock knob moves it.
        """
        return time.time() + self.offset

    @property
    def feishu(self):
        return self.platforms["feishu"]

    @property
    def wecom(self):
        return self.platforms["wecom"]
