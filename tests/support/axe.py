"""Checks of a page by axe-core and for sideways scrolling."""

# The content of the platform's frame is not checked; the frame itself is.
RUN_AXE = """async () => (await axe.run(document, { iframes: false, resultTypes: ["violations"] })).violations
  .map(({ id, nodes }) => [id, nodes.map((node) => node.html.slice(0, 200))])"""
TOO_WIDE = """[...document.querySelectorAll("body *")]
  .filter((node) => node.getBoundingClientRect().right > innerWidth)
  .map((node) => node.cloneNode().outerHTML.slice(0, 120))"""
WIDTHS = ((1600, "light"), (1280, "dark"), (375, "light"), (320, "dark"))


def check_page(page, axe):
    """Check a page by axe-core and for sideways scrolling.

    It is checked at several widths, light and dark.

    :param axe: its source; see `chromium.axe`.
    """
    page.evaluate(axe)
    for width, scheme in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, page.evaluate(TOO_WIDE))
        if width in (1280, 375):
            assert page.evaluate(RUN_AXE) == [], (scheme, width)
