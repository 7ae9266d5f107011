"""The fields of a token request, each a text."""

from flask import request


def json_fields():
    """Return the fields of a JSON body.

    The content type does not matter: lark-oapi sends none with its own token requests.
    """
    body = request.get_json(force=True, silent=True)
    fields = body if isinstance(body, dict) else {}
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def form_fields():
    return request.form.to_dict()


def sent_as_form():
    return request.mimetype == "application/x-www-form-urlencoded"
