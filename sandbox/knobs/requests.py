"""The requests to knobs and the things they name."""

from sandbox.wire import read_json_object
from sandbox.world import world

PROVIDERS = ("feishu", "wecom")


class BadKnob(Exception):
    """A wrong request to a knob.

    The text says what is wrong.
    """


def read_body():
    body = read_json_object()
    if body is None:
        raise BadKnob("the body must be a JSON object")
    return body


def list_providers(body):
    """Return the platforms that the request is about.

    They are both where it names none.
    """
    return [body["provider"]] if "provider" in body else PROVIDERS


def find_platform(provider):
    if provider not in PROVIDERS:
        raise BadKnob(f"provider must be one of {', '.join(PROVIDERS)}")
    return world.platforms[provider]


def find_person(directory, body):
    person = directory.people.get(body.get("person"))
    if person is None:
        raise BadKnob(f"no such person: {body.get('person')}")
    return person
