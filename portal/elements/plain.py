"""Platforms that speak plain OAuth 2, described by data alone."""

from typing import Any

from portal.elements.meta import Meta
from portal.providers.client import Expected, ProviderApp
from portal.providers.person import Person
from portal.providers.values import texts, token_in


class PlainApp(ProviderApp):
    """The client of a plain platform.

    Each attribute is a fact about the platform. In a page's address `{apiBaseUrl}` means the host of that name. The
    platform's words for errors, in `code` or `error` of an answer, are the keys of `numbers`.
    """

    hosts: dict[str, str] = {}  #: the element file's key -> the platform's own origin
    authorize_page = ""
    authorize_words: dict[str, str] = {}  #: further parameters of the authorize page
    scope = ""
    token_page = ""
    token_as_json = True  #: whether the token request is sent as JSON, else as a form
    token_fields = {  #: what the token request holds -> the platform's name for it
        "grant_type": "grant_type",
        "client_id": "client_id",
        "client_secret": "client_secret",
        "code": "code",
        "redirect_uri": "redirect_uri",
    }
    token_name = "access_token"  #: the field of the answer that holds the person's token
    person_page = ""
    person_header = ("Authorization", "Bearer {token}")  #: the header that carries the token
    person_names: dict[str, str] = {}  #: a person's key -> its field in the answer of the token or the person page

    @classmethod
    def endpoints(cls, hosts: dict[str, str]) -> dict:
        """Return the addresses as Authlib names them."""
        return {
            "api_base_url": next(iter(hosts.values())),
            "authorize_url": cls.authorize_page.format(**hosts),
            "authorize_params": cls.authorize_words,
            "access_token_url": cls.token_page.format(**hosts),
            "userinfo_endpoint": cls.person_page.format(**hosts),
        }

    def person_by_code(self, code: str, redirect_uri: str = "") -> Person:
        """Exchange the code and read the person it belongs to."""
        values = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "code": code,
            "redirect_uri": redirect_uri,
        }
        fields = {name: values[key] for key, name in self.token_fields.items()}
        body = {"json" if self.token_as_json else "data": fields}
        token = self.ask("POST", self.access_token_url, Expected(self.token_name, lacks_code=True), **body)
        key, page = token_in(token, self.token_name), self.server_metadata["userinfo_endpoint"]
        profile = self.ask("GET", page, Expected(None, lacks_code=True), token=key)
        return self.read_person({**token, **profile})

    def read_person(self, answer: dict) -> Person:
        """Return the person an answer describes.

        Where a platform has no companies, all people of an app count as one.
        """
        values = {key: next(iter(texts([answer.get(name)])), "") for key, name in self.person_names.items()}
        if "tenant" not in self.person_names:
            values["tenant"] = self.client_id
        values.setdefault("userId", values.get("subject", ""))
        return Person(provider=self.provider, **{key: value for key, value in values.items() if value})

    def token_header(self, token: str | None) -> dict[str, str]:
        name, form = self.person_header
        return {} if token is None else {name: form.format(token=token)}

    def result_in(self, body: dict, lacks_code: bool) -> int | str | None:
        """Return the answer's number, or its word for an error.

        Plain platforms have either of them under `code`.
        """
        native = body.get(self.code_key)
        return native if isinstance(native, str) and native else super().result_in(body, lacks_code)


class PlainType(Meta):
    """A login with a plain platform.

    Its people and departments can't be synced.
    """

    client_class: type[PlainApp] = PlainApp

    def configure(self) -> None:
        self.clientId = self.text("clientId")
        # Required where there are companies: else a person of any of them could ask for an account.
        self.tenants = self.text_list("tenants", required="tenant" in self.client_class.person_names)
        self.client = self.app.oauth.register(
            self.fullName,
            client_cls=self.client_class,
            client_id=self.clientId,
            client_secret=self.text("clientSecret"),
            client_kwargs={"scope": self.client_class.scope, **self.proxy()},
            **self.client_class.endpoints(self.addresses(self.client_class.hosts)),
        )

    def getLoginConfig(self, kind: str = "qr", **kwargs: Any) -> dict:
        """Return `clientId`, `redirectUri` and a fresh `state`."""
        return {"clientId": self.clientId, **super().getLoginConfig(kind, **kwargs)}

    def authorize_url(self, kind: str, state: str) -> str:
        return self.client.authorization_url(self.redirectUri, state)

    def fetch_person(self, code: str, kind: str, state: str | None) -> Person:
        """Exchange the code and read the person.

        :raises Code: BAD_CODE; NOT_A_MEMBER for a company that is not on the list.
        """
        person = self.client.person_by_code(code, redirect_uri=self.redirectUri)
        self.check_tenant(person, self.tenants)
        return person
