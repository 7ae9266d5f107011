"""Flask alone: one JSON view and one Jinja page."""

from flask import Flask, jsonify

from bench.peers.page import add_page

app = Flask(__name__)
add_page(app)


@app.get("/api/session")
def session():
    return jsonify({"account": {"id": 1, "username": "u1", "name": "测试1", "role": "user"}, "identity": None})
