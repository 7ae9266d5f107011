"""Clicks counted as a person makes them."""


class CountedClicks:
    """Clicks on a page, counted in `count`.

    Typing is no click, and neither is a key.
    """

    def __init__(self, page):
        self.page, self.count = page, 0

    def button(self, name, where="main", **options):
        self.on(self.page.locator(where).get_by_role("button", name=name, **{"exact": True, **options}))

    def link(self, name, where="main", **options):
        self.on(self.page.locator(where).get_by_role("link", name=name, **{"exact": True, **options}))

    def on(self, target):
        """Click on a locator."""
        target.click()
        self.count += 1
