"""The peers' login page: a Jinja page as large as the portal's."""

import os

from flask import Flask, render_template
from jinja2 import DictLoader

FILLER = "<p>Plain text of the page.</p>\n"
PAGE = """<!doctype html>
<html lang="en"><head><title>{{ title }}</title></head><body>
{% for way in ways %}<li><a href="{{ way.href }}">{{ way.title }}</a></li>
{% endfor %}<p>{{ text }}</p>
"""
PAGE += FILLER * (int(os.environ.get("PAGE_SIZE", "8000")) // len(FILLER))
WAYS = [{"href": f"/login/{number}", "title": f"Login {number}"} for number in range(10)]


def add_page(app: Flask):
    """Serve the page at `/login`."""
    app.jinja_loader = DictLoader({"login.html": PAGE})

    @app.get("/login")
    def show():
        return render_template("login.html", title="Sign in", ways=WAYS, text="Choose & go on")
