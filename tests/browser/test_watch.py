"""The watch that every browser test stands under sees what it is there for."""

import pytest

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

PLANT = """(plant) => new Promise((done) => {
  document.addEventListener("securitypolicyviolation", done);
  const node = document.createElement(plant.tag);
  if (plant.text) node.textContent = plant.text;
  if (plant.src) node.src = plant.src;
  document.body.append(node);
})"""


def test_the_watch_reports_what_a_page_writes_to_the_console(site, page, watch):
    page.goto(f"{site.url}/login")
    page.evaluate("console.error('planted')")
    [told] = watch.take()
    assert told.startswith("console: planted (")


def test_the_watch_reports_an_uncaught_error(site, page, watch):
    page.goto(f"{site.url}/login")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('planted') })")
    assert watch.take() == ["uncaught: planted"]


def wait_for_report(page, watch, beginning):
    """Wait for a report, which may arrive after the page's own event."""
    for _ in range(1000):
        if any(report.startswith(beginning) for report in watch.take()):
            return
        page.evaluate("() => new Promise(requestAnimationFrame)")
    pytest.fail(f"no report begins with {beginning}")


@pytest.mark.parametrize(
    ("plant", "directive"),
    [
        ({"tag": "script", "text": "window.planted = true"}, "script-src-elem forbids inline"),
        ({"tag": "style", "text": "body { color: red }"}, "style-src-elem forbids inline"),
        ({"tag": "img", "src": "{sandbox}/_sandbox/avatar/alice.svg"}, "img-src forbids {sandbox}"),
    ],
    ids=["script", "style", "image"],
)
def test_the_watch_reports_what_the_content_policy_forbids(site, page, watch, plant, directive):
    sandbox = site.sandbox.site_url
    page.goto(f"{site.url}/login")
    page.evaluate(PLANT, {key: value.replace("{sandbox}", sandbox) for key, value in plant.items()})
    wait_for_report(page, watch, "policy: " + directive.replace("{sandbox}", sandbox))
    assert page.evaluate("window.planted") is None


def test_the_watch_reports_a_refusal_nobody_expected_and_one_that_did_not_come(site, page, watch):
    page.goto(f"{site.url}/nowhere")
    watch.expect(404, "/elsewhere")
    unexpected, absent = watch.take()
    assert "status of 404" in unexpected and "/nowhere" in unexpected
    assert absent == "expected, but did not come: (404, '/elsewhere')"
