"""What the doctor's tests share: elements and platforms to make ill and well again."""

import json
import shutil

from support.portal_app import FEISHU, WECOM

from portal.database import db
from portal.elements.doctor import OK, examine
from portal.elements.doctor.installation import Installation
from portal.models import AppToken

HIDDEN = ("sandbox-feishu-secret", "sandbox-wecom-secret", "sandbox-contact-sync-secret", "1380000000", "@example.com")
EMPTY_RANGE = {"departments": [], "users": []}


class DoctorFixture:
    """Settings and platforms to change, and a fresh portal for each examination."""

    def __init__(self, sandbox, elements, settings, make_portal, serve, base, environ):
        self.sandbox, self.elements, self.settings, self.serve, self.base = sandbox, elements, settings, serve, base
        self.make_portal, self.environ = make_portal, environ
        self.changes, self.forwarded, self.element = {}, [], FEISHU
        sandbox.portal(base)

    def change_feishu(self, **changes):
        self.sandbox.app("feishu", **changes)

    def change_wecom(self, **changes):
        self.sandbox.app("wecom", **changes)

    def write_own_type(self, code):
        folder = self.elements.folder / "Own"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "e.json").write_text(json.dumps({"title": "Own", "type": "auths.loginTypes.Meta"}))
        (folder / "__init__.py").write_text(f"from portal.elements import Meta\n\n\nclass Own(Meta):\n{code}")
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        self.element = self.elements.add("Mine", "Own", {})

    def open_browser(self):
        return self.make_portal(**self.changes).test_client()

    def execute(self, statement):
        with self.make_portal(**self.changes).app_context():
            result = db.session.execute(db.text(statement))
            result = result.freeze()() if result.returns_rows else result
            db.session.commit()
            return result

    def examine(self, subject):
        """Return the findings by their names.

        :param subject: `feishu`, `wecom`, `element` or `portal`.
        """
        portal = self.make_portal(**self.changes)
        name = {"feishu": FEISHU, "wecom": WECOM, "element": self.element}.get(subject)
        with portal.app_context():
            findings = examine(portal.elements.instances[name]) if name else Installation(self.forwarded).examine()
            db.session.rollback()
            tokens = [] if subject == "portal" else list(db.session.scalars(db.select(AppToken.value)))
        assert_sound(findings, (*HIDDEN, *filter(None, tokens)))
        return {finding.name: finding for finding in findings}


def assert_sound(findings, secrets):
    """Each finding is complete, and none holds a secret."""
    assert not any(secret in repr(findings) for secret in secrets)
    assert all((finding.state == OK) == (finding.name == "") for finding in findings)
    for finding in findings:
        if finding.name:
            assert finding.cause and finding.remedy and "%(" not in finding.cause + finding.remedy


class Stories(dict):
    """Name of a finding -> its story.

    A story is a generator: before its `yield` it makes the finding happen, after it comes the remedy.
    """

    def __init__(self, subject):
        self.subject = subject

    def add(self, tell):
        """Add a function named after its finding."""
        self[tell.__name__.removeprefix("tell_of_")] = tell
        return tell

    def run(self, doctor, name):
        """The finding shows, and is gone after its remedy."""
        story = self[name](doctor)
        next(story)
        assert name in doctor.examine(self.subject)
        next(story, None)
        findings = doctor.examine(self.subject)
        assert name not in findings and "broken" not in findings
