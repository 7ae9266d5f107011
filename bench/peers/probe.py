"""Near the limit: Flask by hand, one kept connection a thread, SQL without an ORM.

Signed state, a session that can be ended, rows of people. No audit, limits, translations or error pages.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from flask import Flask, jsonify, redirect, request

from bench.peers import APP, CORP, SECRET
from bench.peers.page import add_page

BASE, FILE = os.environ.get("BASE", ""), os.path.join(os.environ.get("FOLDER", ""), "probe.db")
TABLES = """CREATE TABLE person (id INTEGER PRIMARY KEY, subject TEXT UNIQUE, name TEXT, email TEXT);
CREATE TABLE session (hash BLOB PRIMARY KEY, person_id INTEGER, ends REAL) WITHOUT ROWID;"""
CHECK = "SELECT p.id, p.name FROM session s JOIN person p ON p.id = s.person_id WHERE s.hash = ? AND s.ends > ?"
SAVE = """INSERT INTO person (subject, name, email) VALUES (?, ?, ?)
ON CONFLICT (subject) DO UPDATE SET name = excluded.name, email = excluded.email RETURNING id"""
app, local, wecom = Flask(__name__), threading.local(), {}
add_page(app)


def connect() -> sqlite3.Connection:
    if not hasattr(local, "database"):
        local.database = sqlite3.connect(FILE, isolation_level=None)
        local.database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=4000;")
    return local.database


def call(method: str, path: str, body: dict | None = None, **headers: str) -> dict:
    if not hasattr(local, "platform"):
        local.platform = HTTPConnection(urlsplit(os.environ["STUB"]).netloc, timeout=8)
    local.platform.request(method, path, json.dumps(body) if body else None, headers)
    return json.loads(local.platform.getresponse().read())


def sign(text: str) -> str:
    return f"{text}.{hmac.digest(SECRET.encode(), text.encode(), 'sha256').hex()}"


@app.get("/<provider>/start")
def start(provider):
    nonce = secrets.token_urlsafe(16)
    query = {"redirect_uri": f"{BASE}/{provider}/callback", "state": sign(f"{nonce}.{int(time.time())}")}
    answer = redirect(f"https://platform.example/authorize?{urlencode(query)}")
    answer.set_cookie("nonce", nonce, httponly=True, samesite="Lax")
    return answer


@app.get("/<provider>/callback")
def callback(provider):
    state, nonce = request.args["state"], request.cookies["nonce"]
    made = state.split(".")[1]
    if not hmac.compare_digest(state, sign(f"{nonce}.{made}")) or time.time() - int(made) > 600:
        return "wrong state", 400
    person = (ask_feishu if provider == "feishu" else ask_wecom)(request.args["code"])
    token, database = secrets.token_urlsafe(32), connect()
    database.execute("BEGIN IMMEDIATE")
    [person_id] = database.execute(SAVE, person).fetchone()
    digest = hashlib.sha256(token.encode()).digest()
    database.execute("INSERT INTO session VALUES (?, ?, ?)", (digest, person_id, time.time() + 86400))
    database.execute("COMMIT")
    answer = redirect("/")
    answer.set_cookie("session", token, httponly=True, samesite="Lax")
    return answer


def ask_feishu(code):
    token = call("POST", "/open-apis/authen/v2/oauth/token", {"code": code, **APP})["access_token"]
    profile = call("GET", "/open-apis/authen/v1/user_info", Authorization=f"Bearer {token}")["data"]
    return profile["union_id"], profile["name"], profile["email"]


def ask_wecom(code):
    if "token" not in wecom:
        wecom["token"] = call("GET", f"/cgi-bin/gettoken?{urlencode(CORP)}")["access_token"]
    words = urlencode({"access_token": wecom["token"], "code": code})
    user = call("GET", f"/cgi-bin/auth/getuserinfo?{words}")["userid"]
    member = call("GET", f"/cgi-bin/user/get?{urlencode({'access_token': wecom['token'], 'userid': user})}")
    return user, member["name"], None


@app.get("/api/session")
def session():
    digest = hashlib.sha256(request.cookies.get("session", "").encode()).digest()
    row = connect().execute(CHECK, (digest, time.time())).fetchone()
    return jsonify({"account": {"id": row[0], "name": row[1]}}) if row else ({"code": -2}, 401)


if __name__ == "__main__":
    connect().executescript(TABLES)
