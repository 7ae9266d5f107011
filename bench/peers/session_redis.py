"""Authlib's client as it comes, and Flask-Session on Redis."""

import os

from flask import jsonify, session
from flask_session import Session
from redis import Redis

from bench.peers.authlib_cookie import make_app

app = make_app()
app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(os.environ["REDIS"]))
Session(app)


@app.get("/api/session")
def show_session():
    return jsonify({"account": session["user"]}) if "user" in session else ({"code": -2}, 401)
