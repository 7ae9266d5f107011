"""Browsers over HTTP, many of them at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import requests
from support.portal_app import answer_platform


class Visitor:
    """A browser over HTTP."""

    def __init__(self, server):
        self.server, self.http = server, requests.Session()
        self.http.headers["Connection"] = "close"  # the server ends kept connections, also just before a request

    def get(self, path, **kwargs):
        return self.http.get(self.server.url + path, allow_redirects=False, timeout=20, **kwargs)

    def scan(self, element, person="zhangsan"):
        return answer_platform(self.get(f"/login/{element}").headers["Location"], person)


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
