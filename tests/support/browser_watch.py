"""A watch on what the browser reports: broken content policies and errors."""

from urllib.parse import urlsplit

import pytest

QR_SCRIPT_FILE = "LarkSSOSDKWebQRCode-"
LISTEN = """document.addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.violatedDirective} forbids ${event.blockedURI} on ${document.URL}`, event.sourceFile));"""


@pytest.fixture
def watch():
    """Fail a test at its end if a page broke its content policy or reported an error."""
    watch = Watch()
    yield watch
    assert watch.take() == []


class Watch:
    """Collects violations of the content policy, errors in the console, and uncaught ones.

    What it says of styles that Feishu's QR script sets is in `styles`: the one line on each login page is accepted.
    """

    def __init__(self):
        self.complaints = []
        self.expected = []
        self.styles = []
        self.tolerated = ()

    def follow(self, context):
        context.on("console", self.console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.expose_binding("reportViolation", self.violation)
        context.add_init_script(LISTEN)

    def violation(self, source, text, script=""):
        if not (text.startswith("style-src-attr forbids inline") and QR_SCRIPT_FILE in script):
            self.complaints.append(f"policy: {text}")

    def console(self, message):
        if message.type not in ("error", "warning") or message.text.startswith(self.tolerated):
            return
        if message.text.startswith("Applying inline style violates") and QR_SCRIPT_FILE in message.location["url"]:
            self.styles.append(message.text)
            return
        for status, path in self.expected:
            how = status if isinstance(status, str) else f"the server responded with a status of {status} "
            if (
                message.text.startswith(f"Failed to load resource: {how}")
                and urlsplit(message.location["url"]).path == path
            ):
                self.expected.remove((status, path))
                return
        self.complaints.append(f"console: {message.text} ({message.location['url']})")

    def expect(self, status, path):
        """Expect that a page is refused. Chromium reports each 4xx as an error; one that is missing is a complaint.

        :param status: the HTTP status, or Chromium's word for a failure such as `net::ERR_FAILED`.
        """
        self.expected.append((status, path))

    def take(self):
        """Return the complaints so far, and forget them."""
        complaints = self.complaints + [f"expected, but did not come: {each}" for each in self.expected]
        self.complaints, self.expected = [], []
        return complaints
