"""Facts about one platform, for pages and other common code."""

import re

from portal.elements.doctor import Doctor


class PlatformFacts:
    """Facts that a Type gives about its platform.

    Common code asks the Type and names no platform.
    """

    provider = ""  #: the name stored with its people
    label = ""  #: the platform's name on buttons
    picture = ""  #: a file in `static/` for its badge
    mark = ""  #: one character for its badge in place of a picture; an element file may give one, too
    colour = ""  #: the badge's colour: `blue`, `green`, `orange`, `purple`, `red` or `teal`; without one it is grey
    #: ends of the host names from which pictures are accepted, `.example.com`; an element adds origins of this machine
    avatar_hosts: tuple[str, ...] = ()
    code_names: tuple[str, ...] = ("code",)  #: parameters of the callback that may hold the login code
    csv_names: tuple[str, ...] = ()  #: further words by which a CSV file may name the platform
    client_agent: re.Pattern | None = None  #: pattern of its client's user agent; a hint, never proof
    client_programs: dict[str, str] = {}  #: product in its client's user agent -> name shown in lists of sessions
    lookalike_apps: dict[str, str] = {}  #: product of an app that is taken for its client and can't sign in -> name
    login_scripts: dict[str, str] = {}  #: page (`login` or `in_app`) -> our script for it, a file in `static/js/`
    works_on_phones = True  #: whether its sign-in page is of use in a phone's browser
    example_keys: dict[str, str] = {}  #: the keys that every element file has -> a value to replace
    doctor = Doctor  #: the class that examines its elements

    def start_kind(self, user_agent: str) -> str:
        """Return the kind of a login begun by a click.

        :param user_agent: of the browser or client.
        """
        return "redirect"

    def start_origins(self, user_agent: str) -> list[str]:
        """Return the platform's origins to which a login's form leads.

        The content policy of the form's page has to name them.
        """
        kind = self.start_kind(user_agent)
        address = self.authorize_url(kind, self.make_state(kind))
        return [self.origin_of(address)] if address else []

    def is_client(self, user_agent: str) -> bool:
        """Return whether a user agent seems the platform's client."""
        return self.client_agent is not None and self.client_agent.search(user_agent) is not None

    def qr(self) -> dict | None:
        """Return what embeds the platform's QR code.

        That is the address of its `script` and the `origin` of its frame.
        """
        return None

    def panel(self) -> dict | None:
        """Return what embeds the platform's login panel.

        That is our `template` for it, our `script` in `static/js/`, and the `origin` of its frame.
        """
        return None

    def client_script(self) -> dict | None:
        """Return what asks the platform's client for a code.

        That is the address of its `script`, and the `app` to ask for.
        """
        return None

    def app_link(self) -> str | None:
        """Return the address that opens the platform's app.

        On a phone it opens the portal inside the app.
        """
        return None

    def page_sources(self, page: str) -> dict[str, list[str]]:
        """Return what a page's content policy must allow besides ours.

        Keys are directives, values are origins or addresses of files.

        :param page: `login` or `in_app`.
        """
        return {}

    def root_files(self) -> dict[str, str]:
        """Return text files to serve from the root, by name.

        A name ends in .txt.
        """
        return {}

    def check(self) -> None:
        """Call once what every page relies on.

        So an element that fails there is broken, and no page is.
        """
        for page in ("login", "in_app"):
            for directive, origins in self.page_sources(page).items():
                if not directive.endswith("-src") or not all(isinstance(origin, str) for origin in origins):
                    raise self.wrong_setting("page_sources()", "must be lists of origins by directive")
        if not all(isinstance(text, str) for pair in self.root_files().items() for text in pair):
            raise self.wrong_setting("root_files()", "must be texts by name")
        for name in ("redirectUri", "title", "provider", "colour", "picture"):
            if not isinstance(getattr(self, name), str):
                raise self.wrong_setting(name, "must be a text")
        for name in ("avatar_hosts", "code_names", "csv_names"):
            texts = getattr(self, name)
            if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
                raise self.wrong_setting(name, "must be a tuple of texts")
        self.start_kind(""), self.is_client(""), self.qr(), self.panel(), self.client_script(), self.app_link()
        str(self.label)
        self.doctor(self).console()
