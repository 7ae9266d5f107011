"""Which logins stand in sight, and which behind a fold."""

from dataclasses import dataclass

from portal.pages.element_names import group_by_platform

MOST_TABS = 4  # more logins than these are listed behind a fold
TABS_BESIDE_FOLD = 3


@dataclass(frozen=True)
class LoginChoice:
    """The logins of a page.

    :param ways: pairs of an element and its name; these are the tabs.
    :param groups: the others, by platform.
    """

    ways: list[tuple]
    groups: list[tuple[str, list[tuple]]]

    @property
    def hidden(self) -> int:
        """Return how many logins are behind the fold."""
        return sum(len(ways) for _platform, ways in self.groups)


def arrange_logins(ways: list[tuple], chosen: str | None, last: str | None) -> LoginChoice:
    """Return a choice that stays short with many logins.

    :param ways: pairs of an element and its name, in order.
    :param chosen: the element that is open; it stands first where there is a fold.
    :param last: the element that was used last; it stays in sight.
    """
    if len(ways) <= MOST_TABS:
        return LoginChoice(ways, [])
    first = sorted(ways, key=lambda way: (way[0].name != chosen, way[0].name != last))
    tabs = first[:TABS_BESIDE_FOLD]
    return LoginChoice(tabs, group_by_platform([way for way in ways if way not in tabs]))
