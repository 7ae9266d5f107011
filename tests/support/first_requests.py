"""A portal in a fresh process with simultaneous first requests.

It prints the status of each answer. Standard input holds the requests as JSON, a list of [path, cookies].
"""

import json
import os
import sys
import threading

import app as portal_app


def run_requests():
    requests = json.load(sys.stdin)
    sys.setswitchinterval(1e-6)  # threads take turns at any point
    portal = portal_app.create_app(os.environ)
    start, answers = threading.Barrier(len(requests)), []

    def ask(path, cookies):
        client = portal.test_client()
        for name, value in cookies.items():
            client.set_cookie(name, value, domain="127.0.0.1")
        start.wait()
        answers.append(client.get(path, base_url=portal.config["PORTAL_BASE_URL"]).status_code)

    threads = [threading.Thread(target=ask, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(answers))


run_requests()
