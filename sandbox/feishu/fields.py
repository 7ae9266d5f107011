"""The fields of a token request, each a text."""

from flask import request

from sandbox.wire import sent


def json_fields():
    return {name: value for name, value in (sent() or {}).items() if isinstance(value, str)}


def form_fields():
    return request.form.to_dict()


def sent_as_form():
    return request.mimetype == "application/x-www-form-urlencoded"
