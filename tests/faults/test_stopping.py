"""A portal that is told to stop finishes the logins that have begun."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import requests
from support.http_visitors import Visitor
from support.portal_app import FEISHU, answer_platform, both_databases
from support.processes import list_children
from support.syncs import wait_for

EXCHANGE = "/open-apis/authen/v2/oauth/token"
VISITORS = 20  # each signs in about once a second, as the exchange takes one


def sign_in_until_refused(server, statuses):
    """Sign new visitors in until the server takes no connection."""
    try:
        while True:
            visitor = Visitor(server)
            begun = visitor.get(f"/login/{FEISHU}")
            statuses.append(("begin", begun.status_code))
            answer = visitor.get(answer_platform(begun.headers["Location"]))
            statuses.append(("finish", answer.status_code))
    except requests.ConnectionError:
        return


@both_databases
def test_no_login_is_lost_by_a_stop_under_load(serve, sandbox):
    server = serve(graceful=60)
    sandbox.fail(EXCHANGE, count=100_000, delay=1)
    statuses = []
    with ThreadPoolExecutor(VISITORS) as pool:
        running = [pool.submit(sign_in_until_refused, server, statuses) for _ in range(VISITORS)]
        wait_for(lambda: statuses.count(("finish", 303)) >= VISITORS, seconds=90)
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.wait(timeout=90)
        for one in running:
            one.result(timeout=90)
    assert set(statuses) == {("begin", 302), ("finish", 303)}, server.output()
    assert statuses.count(("finish", 303)) == len(sandbox.calls(EXCHANGE))  # no code was used for nothing


def test_a_process_that_is_replaced_loses_no_login(serve, sandbox):
    """The other process and the new one go on."""
    server = serve(graceful=60)
    sandbox.fail(EXCHANGE, count=100_000, delay=1)

    def sign_in(_):
        visitor = Visitor(server)
        return visitor.sign_in(FEISHU).status_code

    with ThreadPoolExecutor(VISITORS) as pool:
        logins = [pool.submit(sign_in, number) for number in range(5 * VISITORS)]
        wait_for(lambda: sum(login.done() for login in logins) >= VISITORS, seconds=90)
        os.kill(list_children(server.process.pid)[0], signal.SIGTERM)
        assert {login.result(timeout=90) for login in logins} == {303}, server.output()
