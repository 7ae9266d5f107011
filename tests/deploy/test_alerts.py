"""Prometheus takes the alerts and the dashboard, and the alerts fire when they should."""

import json

import pytest
import yaml
from support.docs_pages import code_blocks
from support.portal_app import ROOT
from support.programs import need, run

DEPLOY = ROOT / "deploy"
TESTED = {"PortalNotReady", "PortalFaults", "PortalSyncOld", "PortalWorkerDown"}


@pytest.fixture
def promtool():
    """Return a function that runs promtool and expects success."""
    program = need("promtool", "prometheus", "Prometheus")

    def run_promtool(*words):
        done = run(program, *words)
        assert done.returncode == 0, done.stdout + done.stderr

    return run_promtool


@pytest.mark.prometheus
def test_prometheus_takes_the_alerts(promtool):
    promtool("check", "rules", DEPLOY / "prometheus-alerts.yml")


@pytest.mark.prometheus
def test_alerts_fire_when_they_should(promtool):
    file = ROOT / "tests/deploy/alerts_test.yml"
    tests = [test for group in yaml.safe_load(file.read_text())["tests"] for test in group["alert_rule_test"]]
    assert {test["alertname"] for test in tests if test["exp_alerts"]} == TESTED
    promtool("test", "rules", file)


@pytest.mark.prometheus
def test_prometheus_takes_the_questions_of_the_dashboard(promtool, tmp_path):
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text())["panels"]
    questions = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]
    rules = [{"record": f"question:{number}", "expr": text} for number, text in enumerate(questions)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yml")


@pytest.mark.prometheus
def test_prometheus_takes_the_configuration_of_the_page(promtool, tmp_path):
    [text] = code_blocks("docs/monitoring.md", "yaml")
    (tmp_path / "prometheus.yml").write_text(text)
    promtool("check", "config", "--syntax-only", tmp_path / "prometheus.yml")
    assert [job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]] == ["portal"]


def test_every_alert_says_what_to_do():
    [group] = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert set(rule["annotations"]) == {"summary", "remedy"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
