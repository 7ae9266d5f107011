"""Logins of products that cannot run here, replayed as data.

The requests in data/clients/*.json are those of JumpServer (apps/common/sdk/im, apps/authentication/views) and Casdoor
(idp, web/src/auth). A step opens a page in a browser, sends a request, or turns a knob; `$name` is a value kept so
far. The answer to a request has to hold the values of `holds` and lack the names of `lacks`. In the end the values of
`becomes` have been kept.
"""

import json
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

DATA = Path(__file__).parent.parent / "data" / "clients"
STORIES = [
    pytest.param(story, id=f"{path.stem}: {story['name']}")
    for path in sorted(DATA.glob("*.json"))
    for story in json.loads(path.read_text("utf-8"))
]
HOME = "http://127.0.0.1:9"
INSIDE = "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh"


class Client:
    """A product's client that calls the sandbox.

    It uses the platforms' paths under the sandbox's address.
    """

    def __init__(self, sandbox, provider):
        self.sandbox, self.provider = sandbox, provider
        self.kept = {**sandbox.FEISHU, **sandbox.WECOM, "home": HOME, "state": "Q3xV9bTz5kLm1nRw"}

    def fill(self, words):
        return json.loads(Template(json.dumps(words)).substitute(self.kept))

    def run_step(self, step):
        """Run one step of a story."""
        if "open" in step:
            self.open(step)
        elif "send" in step:
            self.send(step)
        elif "code" in step:
            self.kept["code"] = self.sandbox.code(self.provider, **{"person": "zhangsan", **step["code"]})
        else:
            self.sandbox.app(self.provider, **step["app"])

    def make_address(self, address):
        return self.sandbox.url + urlsplit(address).path

    def open(self, step):
        """Open a page in a browser, allow, keep the code."""
        query = self.fill(step["query"])
        headers = {"User-Agent": INSIDE} if step.get("inside") else {}
        with requests.Session() as browser:
            words = {"params": query, "headers": headers, "allow_redirects": False, "timeout": 10}
            answer = browser.get(self.make_address(step["open"]), **words)
            if answer.status_code == 200:
                assert "<form" in answer.text, answer.text
                answer = browser.post(
                    self.make_address(step["open"]), data={"person": "zhangsan", "action": "allow"}, **words
                )
        assert answer.status_code == 302, answer.text
        back = answer.headers["Location"]
        assert back.startswith(query["redirect_uri"]), "the address is not the one that was given"
        returned = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert returned["state"] == self.kept["state"]
        self.kept["code"] = returned["code"]

    def send(self, step):
        """Send a request and keep the values the client reads."""
        words = {name: self.fill(step[name]) for name in ("json", "headers") if name in step}
        answer = requests.request(
            step["send"],
            self.make_address(step["to"]),
            params=self.fill(step.get("query", {})),
            data=self.fill(step.get("form", {})),
            timeout=10,
            **words,
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        for name, value in step.get("holds", {}).items():
            assert body.get(name) == value, body
        assert not set(step.get("lacks", ())) & set(body), body
        for name, path in step.get("keep", {}).items():
            self.kept[name] = read_path(body, path)


def read_path(body, path):
    for name in path.split("."):
        body = body[name]
    return body


@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_the_product_expects(sandbox, story):
    client = Client(sandbox, story["provider"])
    for step in story["steps"]:
        client.run_step(step)
    assert {name: client.kept[name] for name in story["becomes"]} == story["becomes"]
