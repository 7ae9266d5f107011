"""The page from which people open their applications."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, render_template, request, url_for

from portal.applications import access, launching
from portal.pages import browser
from portal.pages.devices import is_client
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import read_text

SEARCHED_FROM = 13  # tiles; fewer are all in sight

bp = Blueprint("launcher", __name__)


@dataclass(frozen=True)
class Tile:
    """An application as it is shown.

    :param place: the host it opens at.
    """

    id: int
    title: str
    address: str
    place: str


@bp.get("/apps")
def show():
    """Show what this user may open."""
    me = browser.get_signed_in()
    if me is None:
        return redirect_to("login_page.show", next=url_for(".show"))
    tiles, words = list_tiles(me.account_id), read_text(request.args.get("q"))
    return render_template(
        "launcher.html",
        tiles=[tile for tile in tiles if matches(tile, words)],
        words=words,
        searched=len(tiles) >= SEARCHED_FROM,
        total=len(tiles),
        in_client=is_client(request.user_agent.string),
    )


def list_tiles(account_id: int) -> list[Tile]:
    """Return the tiles of an account, by title.

    An application without an address can't be opened from here.
    """
    tiles = []
    for application in access.list_enterable(account_id):
        if address := launching.find_launch_address(application):
            tiles.append(Tile(application.id, application.title, address, urlsplit(address).netloc))
    return sorted(tiles, key=lambda tile: (tile.title.casefold(), tile.id))


def matches(tile: Tile, words: str) -> bool:
    """Tell whether a tile holds all words of a search."""
    text = f"{tile.title} {tile.place}".casefold()
    return all(word in text for word in words.casefold().split())
