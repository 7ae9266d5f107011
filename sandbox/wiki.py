"""A pretend wiki behind the portal's gate.

It has no sign-in of its own. It believes the headers that the proxy in front sets, and shows them.
"""

import os

import click
from flask import Blueprint, Flask, abort, current_app, redirect, request, url_for
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.gate import IDENTITY, Gate
from sandbox.phone import clean_text, render_page
from sandbox.server import HOST, run_server
from sandbox.world import Portal

bp = Blueprint("wiki", __name__)
NAME = "wiki"  # in the portal
MOST_NOTES, LONGEST_NOTE = 20, 200
ARTICLES = {
    "first-day": {
        "title": "入职第一天 · Your first day",
        "lines": [
            "九点到前台领取工牌，李四带你认识大家。 · Fetch your badge at nine. Li Si shows you around.",
            "电脑已经装好，登录请用飞书或企业微信。 · Your computer is ready. Sign in with Feishu or WeCom.",
        ],
    },
    "meeting-rooms": {
        "title": "会议室 · Meeting rooms",
        "lines": [
            "“云杉”可坐十二人，“松果”可坐四人。 · Spruce seats twelve people, Pine Cone seats four.",
            "用完请擦白板。 · Please wipe the whiteboard when you leave.",
        ],
    },
}


def create_app():
    app = Flask(__name__)
    app.extensions["notes"] = []
    app.register_blueprint(bp)
    return app


@bp.context_processor
def read_identity():
    """Return the headers about the person, as pages show them."""
    return {"told": {name: read_header(name) for name in IDENTITY}, "articles": ARTICLES, "name": NAME}


def read_header(name):
    """Return a header's text.

    WSGI hands UTF-8 on as Latin-1.
    """
    return clean_text(request.headers.get(name, "").encode("latin-1").decode("utf-8", "replace"))


@bp.get("/")
def home():
    return render_page("wiki.html")


@bp.get("/pages/<slug>")
def article(slug):
    return render_page("wiki_article.html", article=ARTICLES.get(slug) or abort(404))


@bp.get("/notes")
def show_notes():
    return render_page("wiki_notes.html", notes=current_app.extensions["notes"], longest=LONGEST_NOTE)


@bp.post("/notes")
def add_note():
    """Keep a note with its author, in memory."""
    notes, text = current_app.extensions["notes"], request.form.get("text", "").strip()
    if text:
        author = read_header("Remote-Name") or read_header("Remote-User")
        notes.insert(0, {"author": author, "text": clean_text(text)[:LONGEST_NOTE]})
        del notes[MOST_NOTES:]
    return redirect(url_for("wiki.show_notes"), 303)


@bp.get("/favicon.ico")
def favicon():
    return current_app.send_static_file("favicon.svg")


class QuietHandler(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        """Log nothing, so that the portal's own lines can be read."""


@click.command("wiki")
@click.option("--port", default=8200, show_default=True, help="Port on 127.0.0.1; 0 picks a free one.")
@click.option("--portal", default=Portal.url, show_default=True, help="Where the portal's process listens.")
def command(port, portal):
    """Run the pretend wiki behind its proxy."""
    if os.environ.get("PORTAL_ENV") == "production":
        raise click.ClickException("the pretend wiki is for trying the portal; PORTAL_ENV is production")
    server = make_server(HOST, port, Gate(create_app(), NAME, portal), threaded=True, request_handler=QuietHandler)
    run_server(server, "Pretend wiki")


if __name__ == "__main__":
    command(prog_name="python -m sandbox.wiki")
