"""Flask alone: one JSON view, and one Jinja page as large as the portal's login page."""

import os

from flask import Flask, jsonify, render_template
from jinja2 import DictLoader

PAGE = (
    """<!doctype html>
<html lang="en"><head><title>{{ title }}</title></head><body>
{% for way in ways %}<li><a href="{{ way.href }}">{{ way.title }}</a></li>
{% endfor %}<p>{{ text }}</p>
"""
    + "<p>Plain text of the page.</p>\n" * (int(os.environ.get("PAGE_SIZE", "8000")) // 31)
)
WAYS = [{"href": f"/login/{number}", "title": f"Login {number}"} for number in range(10)]

app = Flask(__name__)
app.jinja_loader = DictLoader({"login.html": PAGE})


@app.get("/api/session")
def session():
    return jsonify({"account": {"id": 1, "username": "u1", "name": "测试1", "role": "user"}, "identity": None})


@app.get("/login")
def show():
    return render_template("login.html", title="Sign in", ways=WAYS, text="Choose & go on")
