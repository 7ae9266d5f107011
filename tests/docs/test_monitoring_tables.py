"""The tables of events and figures are complete and true, in both languages."""

import json
import re
import string

import pytest
import yaml
from support.docs_pages import INLINE, names, table
from support.portal_app import ROOT

from portal import logs, metrics
from portal.monitoring import SYNC_OUTCOMES, StateCollector

PAGES = [
    ("docs/monitoring.md", ("event", "metric", "outcome of a sign-in", "outcome of a call", "alert")),
    ("docs/zh/monitoring.md", ("事件", "指标", "登录的结果", "调用的结果", "告警")),
]


@pytest.fixture(params=PAGES, ids=["en", "zh"])
def page(request):
    return request.param


@pytest.fixture
def families(make_portal, redis):
    """All figures that a portal can show."""
    with make_portal(PORTAL_REDIS_URL=redis.url).app_context():
        return [*metrics.get_figures().registry.collect(), *StateCollector().collect()]


def describe(families):
    """Return the type and the labels of each figure, by its name."""
    figures = metrics.get_figures()
    labels = {figure._name: set(figure._labelnames) for figure in vars(figures).values() if hasattr(figure, "_name")}
    labels |= {"portal_sync_age_seconds": {"element"}, "portal_sync_last_outcome": {"element", "outcome"}}
    return {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, labels.get(family.name, set()))
        for family in families
    }


def read_rules():
    """Return the rules of the alerts."""
    [group] = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())["groups"]
    return group["rules"]


def test_every_event_is_in_the_table_and_nothing_else(page):
    path, headings = page
    assert [name for row in table(path, headings[0]) for name in names(row[0])] == list(logs.EVENTS)


def test_every_field_of_an_events_text_is_in_the_table(page):
    path, headings = page
    for row in table(path, headings[0]):
        [event] = names(row[0])
        fields = {name for _, name, _, _ in string.Formatter().parse(logs.EVENTS[event]) if name}
        assert fields <= set(names(row[1])), event


def test_every_figure_is_in_the_table_with_type_and_labels(page, families):
    path, headings = page
    rows = {names(row[0])[0]: (row[1], set(names(row[2]))) for row in table(path, headings[1])}
    assert rows == describe(families)


def test_every_outcome_is_in_the_tables(page):
    path, headings = page
    for heading, outcomes in zip(headings[2:4], (metrics.SIGN_IN_OUTCOMES, metrics.CALL_OUTCOMES), strict=True):
        assert [name for row in table(path, heading) for name in names(row[0])] == list(outcomes)
    [row] = [row for row in table(path, headings[1]) if "portal_sync_last_outcome" in row[0]]
    assert set(SYNC_OUTCOMES) <= set(names(row[3]))


# Alerts and curves


def find_figures(expression):
    """Return the figures that an expression of Prometheus names, with the labels that it picks by."""
    found = re.findall(r"\b(portal_\w+|up)\b(?:{([^}]*)})?", expression)
    return {(figure, label) for figure, picked in found for label in re.findall(r"(\w+)[=!]", picked) or [None]}


def test_rules_and_curves_use_figures_that_exist(families):
    known = {"up": {"job"}}
    for figure, (kind, labels) in describe(families).items():
        parts = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        known |= {figure + part: labels for part in parts}
    panels = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())["panels"]
    curves = [target["expr"] for panel in panels for target in panel["targets"]]
    for expression in [*(rule["expr"] for rule in read_rules()), *curves]:
        figures = find_figures(expression)
        assert figures, expression
        assert {figure for figure, _ in figures} <= set(known), expression
        assert [(figure, label) for figure, label in figures if label and label not in known[figure]] == [], expression


def test_the_table_of_alerts_is_that_of_the_rules(page):
    path, headings = page
    rules, rows = read_rules(), table(path, headings[4])
    assert [names(row[0]) for row in rows] == [[rule["alert"]] for rule in rules]
    for row, rule in zip(rows, rules, strict=True):
        code, plain = " ".join(INLINE.findall(row[1])), rule["expr"].replace("_bucket", "")
        figures = {figure for figure, _ in find_figures(code)}
        assert figures == {figure for figure, _ in find_figures(plain)}, rule["alert"]
        assert [part for part in re.findall(r"[=>]+ \d+|\w+=\"\w+\"", code) if part not in plain] == [], rule["alert"]
        assert names(row[2]) == ([rule["for"]] if "for" in rule else []), rule["alert"]
        assert names(row[3]) == [rule["labels"]["severity"]], rule["alert"]
