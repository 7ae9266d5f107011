"""A browser at an application's host, without a proxy in between.

What a proxy would ask the gate, and hand on to it, is sent here by hand.
"""

from urllib.parse import urlsplit

from sqlalchemy import update
from support.portal_app import Browser

from portal.database import db
from portal.models import Application, Group, GroupMember

HOST = "http://wiki.localhost:9000"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


def add_application(portal, name="wiki", members=({"kind": "everybody"},), **columns):
    """Store an application, and a group of these members for it."""
    columns = {"title": name.title(), "hosts": [f"http://{name}.localhost:9000"], **columns}
    with portal.app_context():
        group = Group(name=f"{name}-people", title=f"{name.title()} people")
        group.members = [GroupMember(**member) for member in members]
        application = Application(name=name, groups=[group], **columns)
        db.session.add_all([group, application])
        db.session.commit()
        return application.id


def change_rows(portal, table, **values):
    """Change all rows of a table, as another request would."""
    with portal.app_context():
        db.session.execute(update(table).values(**values))
        db.session.commit()


class Visitor(Browser):
    """A browser that keeps cookies of applications' hosts, too."""

    def check(self, path="/", host=HOST, name="wiki", method="GET", kind=PAGE, cookie=None):
        """Ask as nginx does about a request of this browser."""
        sent = {"X-Original-URL": f"{host}{path}", "X-Original-Method": method, **kind}
        browser = self
        if cookie is not None:
            browser, sent["Cookie"] = self.application.test_client(use_cookies=False), cookie
        return browser.open(f"/_portal/{name}/auth-request", base_url=host, headers=sent)

    def forward(self, path="/", host=HOST, name="wiki", method="GET", kind=PAGE, **headers):
        """Ask as Traefik and Caddy do."""
        parts = urlsplit(host)
        told = {"Host": parts.netloc, "Proto": parts.scheme, "Uri": path, "Method": method}
        sent = {f"X-Forwarded-{key}": value for key, value in told.items()}
        return self.open(f"/_portal/{name}/forward-auth", base_url=host, headers={**sent, **kind, **headers})

    def go(self, address, **kwargs):
        """Open an absolute address."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.open(path, base_url=f"{parts.scheme}://{parts.netloc}", buffered=True, **kwargs)

    def enter(self, path="/", host=HOST, name="wiki"):
        """Go the whole way into an application, and return the last answer."""
        answer = self.check(path, host, name)
        for _step in range(3):
            answer = self.go(answer.location)
            assert answer.status_code == 303, answer.text
        return answer


def start(visitor, to="/x", host=HOST):
    """Begin at the application's host, and return the answer."""
    return visitor.get("/_portal/wiki/start", query_string={"to": to}, base_url=host)


def get_ticket(visitor, to="/x", host=HOST):
    """Go as far as the ticket, and return its address."""
    answer = visitor.go(start(visitor, to, host).location)
    assert answer.status_code == 303, answer.text
    return answer.location
