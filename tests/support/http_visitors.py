"""Browsers over HTTP, many of them at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import requests
from support.portal_app import answer_platform

PATIENCE = 20  # seconds; a page promises an answer within five, and this machine may be busy


class Visitor:
    """A browser over HTTP."""

    def __init__(self, server):
        self.server, self.http = server, requests.Session()
        self.http.headers["Connection"] = "close"  # the server ends kept connections, also just before a request

    def get(self, path, **kwargs):
        return self.http.get(self.server.url + path, allow_redirects=False, timeout=PATIENCE, **kwargs)

    def scan(self, element, person="zhangsan", action="allow"):
        """Begin a login and answer as the person.

        Return the callback's path and query.
        """
        return answer_platform(self.get(f"/login/{element}").headers["Location"], person, action)

    def sign_in(self, element, person="zhangsan", action="allow"):
        """Sign a person in and return the last answer."""
        return self.get(self.scan(element, person, action))


def expect_prompt_refusals(answers):
    """Fail unless all of some answers are 503, and come within five seconds.

    It is the quickest that counts, as this machine may be busy.
    """
    assert [answer.status_code for answer in answers] == [503] * len(answers)
    quickest = min(answer.elapsed for answer in answers)
    assert quickest < timedelta(seconds=5), [str(answer.elapsed) for answer in answers]


def run_at_once(calls):
    """Run calls in threads that begin together.

    Return their results.
    """
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
