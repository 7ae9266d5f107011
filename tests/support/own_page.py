"""The portal with pages of somebody's own at the elements' redirect addresses, for gunicorn: `own_page:create_app()`.

Each page loads the portal's `api.js` and one script: the element's published example, as it stands in `data/`.
"""

from pathlib import Path

import app

DATA = Path(__file__).parent.parent / "data"
PAGES = {"/own/feishu": "seed_feishu.js", "/api/auth/qywx/callback": "seed_wecom.js"}
HTML = """<!doctype html><title>Own page</title><link rel="icon" href="data:,"><p id="told"></p>
<script src="/static/js/api.js"></script><script type="module" src="/own/{}"></script>"""
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"
# What the examples leave to the page: to use what they have found out.
SHOW = """
document.querySelector("#told").textContent = authCode ? "signed in" : loginUrl;
"""


def create_app():
    portal = app.create_app()
    inside = portal.wsgi_app

    def outside(environ, start_response):
        path = environ["PATH_INFO"]
        if path in PAGES:
            return answer(start_response, "text/html; charset=utf-8", HTML.format(PAGES[path]))
        name = path.removeprefix("/own/")
        if name in PAGES.values():
            return answer(start_response, "text/javascript", (DATA / name).read_text() + SHOW)
        return inside(environ, start_response)

    portal.wsgi_app = outside
    return portal


def answer(start_response, content_type, text):
    start_response("200 OK", [("Content-Type", content_type), ("Content-Security-Policy", POLICY)])
    return [text.encode()]
