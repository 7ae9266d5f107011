"""Scrapes of the portal's figures."""

import requests
from prometheus_client.parser import text_string_to_metric_families


def parse_figures(text):
    """Return each figure, by its name and its labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def find_figure(figures, name, **labels):
    """Return the sum of the figures with a name and some labels.

    It is `None` where there is no such figure.
    """
    values = [value for (found, given), value in figures.items() if found == name and labels.items() <= set(given)]
    return sum(values) if values else None


def scrape(server, **headers):
    """Return the figures of a running portal, asked as Prometheus on this machine does."""
    answer = requests.get(f"{server.url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return parse_figures(answer.text)
