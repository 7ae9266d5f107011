"""A WSGI app that answers with what the server has made of a request's headers."""

import json

KEYS = ("SCRIPT_NAME", "wsgi.url_scheme", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "RAW_URI")


def app(environ, start_response):
    text = json.dumps({key: environ.get(key) for key in KEYS}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
