"""The tables of events and figures are complete and true, in both languages."""

import re
import string

import pytest
from support.docs_pages import names, table

from portal import logs, metrics
from portal.monitoring import SYNC_OUTCOMES, StateCollector

PAGES = [
    ("docs/monitoring.md", ("event", "metric", "outcome of a sign-in", "outcome of a call")),
    ("docs/zh/monitoring.md", ("事件", "指标", "登录的结果", "调用的结果")),
]


@pytest.fixture(params=PAGES, ids=["en", "zh"])
def page(request):
    return request.param


@pytest.fixture
def families(make_portal, redis):
    """All figures that a portal can show."""
    with make_portal(PORTAL_REDIS_URL=redis.url).app_context():
        return [*metrics.get_figures().registry.collect(), *StateCollector().collect()]


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
    figures = metrics.get_figures()
    labels = {figure._name: set(figure._labelnames) for figure in vars(figures).values() if hasattr(figure, "_name")}
    labels |= {"portal_sync_age_seconds": {"element"}, "portal_sync_last_outcome": {"element", "outcome"}}
    shown = {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, labels.get(family.name, set()))
        for family in families
    }
    assert rows == shown


def test_every_outcome_is_in_the_tables(page):
    path, headings = page
    for heading, outcomes in zip(headings[2:], (metrics.SIGN_IN_OUTCOMES, metrics.CALL_OUTCOMES), strict=True):
        assert [name for row in table(path, heading) for name in names(row[0])] == list(outcomes)
    [row] = [row for row in table(path, headings[1]) if "portal_sync_last_outcome" in row[0]]
    assert set(SYNC_OUTCOMES) <= set(names(row[3]))


def test_alerts_use_figures_that_exist(families):
    known = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    for path, heading in (("docs/monitoring.md", "alert"), ("docs/zh/monitoring.md", "告警")):
        used = set(re.findall(r"portal_\w+", " ".join(row[1] for row in table(path, heading))))
        assert used and used <= known
