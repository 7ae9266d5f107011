"""Authlib's client for Flask as it comes, and Flask's signed cookie as the session.

The signed cookie can't be ended by the server. Feishu's `v3` token page is the one that takes Authlib's forms.
"""

import os

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, request, session

from bench.peers import APP, CORP, SECRET
from bench.peers.page import add_page

STUB, BASE = os.environ.get("STUB", ""), os.environ.get("BASE", "")
wecom = {}


def keep_in_session(person: dict):
    session["user"] = person


def make_app(open_session=keep_in_session) -> Flask:
    """Return the app.

    :param open_session: takes the person of a login.
    """
    app = Flask(__name__)
    app.secret_key = SECRET
    add_page(app)
    feishu = OAuth(app).register(
        "feishu",
        client_id=APP["app_id"],
        client_secret=APP["app_secret"],
        authorize_url="https://platform.example/authorize",
        access_token_url=f"{STUB}/oauth/v3/token",
        client_kwargs={"token_endpoint_auth_method": "client_secret_post", "code_challenge_method": "S256"},
    )

    @app.get("/feishu/start")
    def start():
        return feishu.authorize_redirect(f"{BASE}/feishu/callback")

    @app.get("/feishu/callback")
    def callback():
        token = feishu.authorize_access_token()
        profile = feishu.get(f"{STUB}/open-apis/authen/v1/user_info", token=token).json()["data"]
        open_session({key: profile[key] for key in ("union_id", "name", "email")})
        return redirect("/")

    @app.get("/wecom/start")
    def start_wecom():
        session["state"] = os.urandom(16).hex()
        address = f"{BASE}/wecom/callback"
        return redirect(f"https://platform.example/authorize?redirect_uri={address}&state={session['state']}")

    @app.get("/wecom/callback")
    def finish_wecom():
        if request.args["state"] != session.pop("state", None):
            return "wrong state", 400
        if "token" not in wecom:
            wecom["token"] = requests.get(f"{STUB}/cgi-bin/gettoken", params=CORP, timeout=8).json()["access_token"]
        words = {"access_token": wecom["token"], "code": request.args["code"]}
        user = requests.get(f"{STUB}/cgi-bin/auth/getuserinfo", params=words, timeout=8).json()["userid"]
        words = {"access_token": wecom["token"], "userid": user}
        member = requests.get(f"{STUB}/cgi-bin/user/get", params=words, timeout=8).json()
        open_session({"union_id": user, "name": member["name"], "email": None})
        return redirect("/")

    return app


app = make_app()


@app.get("/api/session")
def show_session():
    return jsonify({"account": session["user"]}) if "user" in session else ({"code": -2}, 401)
