"""Waiting for a condition on a page in Chromium."""

LONGEST = 10_000  # milliseconds
LOOK = """([given, longest]) => new Promise((done, failed) => {
  const late = setTimeout(() => failed(new Error("the condition never became true")), longest);
  const look = () => (%s)(given) ? (clearTimeout(late), done()) : requestAnimationFrame(look);
  look();
})"""


def wait_on_page(page, condition: str, given=None):
    """Wait until a JavaScript function returns true on a page.

    The function is given as text. Playwright's own `wait_for_function` builds the function anew for every look, which
    our content policy forbids.
    """
    page.evaluate(LOOK % condition, [given, LONGEST])
