"""The portal with an operator's own pages for logins.

They are at the elements' redirect addresses. Each loads the portal's `api.js` and one script, the element's published
example in `data/`. Gunicorn serves it as `own_page:create_app()`.
"""

from pathlib import Path

import app

DATA = Path(__file__).parent.parent / "data"
PAGES = {"/own/feishu": "seed_feishu.js", "/api/auth/qywx/callback": "seed_wecom.js"}
HTML = """<!doctype html><title>Own page</title><link rel="icon" href="data:,"><p id="told"></p>
<script src="/static/js/api.js"></script><script type="module" src="/own/{}"></script>"""
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"
# The examples leave it to the page to use their result.
SHOW = """
document.querySelector("#told").textContent = authCode ? "signed in" : loginUrl;
"""


def create_app():
    portal = app.create_app()
    portal_app = portal.wsgi_app

    def serve_own_pages(environ, start_response):
        path = environ["PATH_INFO"]
        if path in PAGES:
            return answer(start_response, "text/html; charset=utf-8", HTML.format(PAGES[path]))
        name = path.removeprefix("/own/")
        if name in PAGES.values():
            return answer(start_response, "text/javascript", (DATA / name).read_text() + SHOW)
        return portal_app(environ, start_response)

    portal.wsgi_app = serve_own_pages
    return portal


def answer(start_response, content_type, text):
    start_response("200 OK", [("Content-Type", content_type), ("Content-Security-Policy", POLICY)])
    return [text.encode()]
