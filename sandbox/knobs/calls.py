"""Knobs for calls, with failures, gates and the clock."""

from fnmatch import fnmatchcase

from flask import Blueprint, current_app, jsonify, request
from werkzeug.local import LocalProxy

from sandbox.knobs.requests import BadKnob, read_body
from sandbox.traffic import Failure, Gate
from sandbox.world import world

bp = Blueprint("calls", __name__)
traffic = LocalProxy(lambda: current_app.extensions["sandbox_traffic"])


@bp.post("/reset")
def reset():
    world.reset()
    traffic.reset()
    return {}


@bp.post("/fail")
def fail():
    try:
        traffic.failures.append(Failure(**read_body()))
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}


@bp.post("/gate")
def close_gate():
    try:
        traffic.gates.append(Gate(**read_body()))
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}


@bp.get("/gate")
def count_waiting():
    return {"waiting": sum(gate.waiting for gate in traffic.gates)}


@bp.delete("/gate")
def open_gates():
    traffic.open_gates()
    return {}


@bp.post("/clock")
def advance_clock():
    world.offset += float(read_body()["advance"])
    return {"now": world.now()}


@bp.get("/calls")
def list_calls():
    pattern = request.args.get("path")
    calls = [call for call in list(traffic.calls) if not pattern or fnmatchcase(call["path"], pattern)]
    return jsonify(calls=calls, connections=traffic.count_connections())


@bp.delete("/calls")
def forget_calls():
    traffic.forget_calls()
    return {}
