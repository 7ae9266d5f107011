"""The fields of a token request, each a text."""

from flask import request

from sandbox.wire import read_json_object


def read_json_fields():
    return {name: value for name, value in (read_json_object() or {}).items() if isinstance(value, str)}


def read_form_fields():
    return request.form.to_dict()


def is_form_request():
    return request.mimetype == "application/x-www-form-urlencoded"
