"""Knobs for people, departments and groups."""

from dataclasses import fields

from flask import Blueprint

from sandbox.company import ROOT, Department, Person
from sandbox.knobs.requests import BadKnob, find_person, find_platform, list_providers, read_body

bp = Blueprint("people", __name__)
STATES = {  # the knob's word: the state it sets; false makes the person active again
    "freeze": "frozen",
    "resign": "resigned",
    "exit": "exited",
    "deactivate": "inactive",
    "activate": "active",
}
FLAGS = {"hide": "hidden", "bar": "barred"}
PERSON_FIELDS = ("name", "departments", "withhold")
DEPARTMENT_FIELDS = ("name", "parent", "leaders", "order", "withhold")


@bp.post("/person")
def change_person():
    body = read_body()
    for provider in list_providers(body):
        directory = find_platform(provider).directory
        if body.get("add"):
            directory.people.setdefault(body["person"], Person(key=body["person"], name=body["person"]))
        apply_to_person(directory, find_person(directory, body), body)
        directory.mark_changed()
    return {}


def apply_to_person(directory, person, body):
    """Apply each word of the knob to the person."""
    for word, value in body.items():
        if word in STATES:
            person.state = STATES[word] if value else "active"
        elif word in FLAGS:
            setattr(person, FLAGS[word], bool(value))
        elif word in PERSON_FIELDS:
            setattr(person, word, value)
        elif word == "set":
            set_fields(person, value)
        elif word == "leads":
            set_led_departments(directory, person, value)
        elif word not in ("provider", "person", "add"):
            raise BadKnob(f"unknown word: {word}")


def set_fields(person, values):
    own_fields = {field.name for field in fields(Person)} - {"key"}
    for name, value in values.items():
        if name in own_fields:
            setattr(person, name, value)
        else:
            person.extra[name] = value


def set_led_departments(directory, person, department_ids):
    for department in directory.departments.values():
        others = [key for key in department.leaders if key != person.key]
        department.leaders = [person.key, *others] if department.id in department_ids else others


@bp.post("/department")
def change_department():
    body = read_body()
    key = body.pop("department")
    for provider in list_providers(body):
        directory = find_platform(provider).directory
        if body.get("add"):
            directory.departments.setdefault(key, Department(key, key, parent=ROOT))
        if key not in directory.departments:
            raise BadKnob(f"no such department: {key}")
        apply_to_department(directory.departments[key], body)
        if body.get("remove"):
            del directory.departments[key]
        directory.mark_changed()
    return {}


def apply_to_department(department, body):
    """Apply each word of the knob to the department."""
    for word, value in body.items():
        if word in DEPARTMENT_FIELDS:
            setattr(department, word, value)
        elif word == "set":
            department.extra |= value
        elif word not in ("provider", "add", "remove"):
            raise BadKnob(f"unknown word: {word}")


@bp.post("/group")
def change_group():
    body = read_body()
    directory = find_platform(body.get("provider")).directory
    directory.groups[body["group"]] = {name: list(body.get(name, ())) for name in ("users", "departments")}
    directory.mark_changed()
    return {}
