"""The figures of English and structure meet their goals."""

import pytest
from figures import FIGURES
from naming import lacks_verb

SHOWN = 20  # offenders in a message


@pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])
def test_a_figure_meets_its_goal(figure):
    value, offenders, reason = figure.measure()
    if value is None:
        pytest.skip(reason)
    places = "\n".join(map(str, offenders[:SHOWN]))
    is_met = figure.is_met(value)
    assert is_met, f"{figure.meaning}: {value}, at most {figure.goal} {figure.unit}\n{places}"


@pytest.mark.parametrize(
    "name",
    "found told found_account known_people of_app by_id mine own those looser whole waiting inside_of as".split(),
)
def test_a_name_without_a_verb_is_seen(name):
    assert lacks_verb(name)


@pytest.mark.parametrize(
    "name", "find_account bind need_token is_known open_sessions to_row as_person clean ping enable __init__".split()
)
def test_a_name_with_a_verb_or_noun_passes(name):
    assert not lacks_verb(name)


def test_a_property_may_be_an_adjective():
    assert not lacks_verb("usable", is_property=True)
    assert lacks_verb("whose", is_property=True)
