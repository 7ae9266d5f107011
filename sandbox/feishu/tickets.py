"""QR codes that wait for a phone.

Each has a state and, once confirmed, a temporary code.
"""

from dataclasses import dataclass
from secrets import token_hex

from sandbox.company import Person
from sandbox.feishu.model import FeishuApp
from sandbox.world import world

TICKET_LIFETIME = 120  # seconds for which a QR code can be scanned and confirmed
TMP_CODE_LIFETIME = 300  # seconds
OPEN_STATES = ("waiting", "scanned")
TURNS = {  # what a phone does: the states in which it can, the state after it
    "scan": (("waiting",), "scanned"),
    "confirm": (("scanned",), "confirmed"),
    "refuse": (("scanned",), "refused"),
    "expire": (OPEN_STATES, "expired"),
}


class WrongTurn(Exception):
    """An action that this QR code does not allow now.

    The text says why.
    """


@dataclass(eq=False)
class Ticket:
    id: str
    app: FeishuApp
    expires: float
    reached: str = "waiting"
    person: Person | None = None
    tmp_code: str | None = None

    @property
    def state(self):
        return "expired" if self.reached in OPEN_STATES and world.now() >= self.expires else self.reached

    @property
    def left(self):
        """How many whole seconds a phone still has."""
        return max(0, round(self.expires - world.now()))

    def turn(self, action, key=None):
        """Apply a phone's action to the QR code.

        :param action: a word of `TURNS`.
        :param key: the owner of the phone, needed to scan. Confirming or refusing a code that waits scans it first.
        :raises WrongTurn: the QR code is not in a state for this, or there is no such person.
        """
        if action in ("confirm", "refuse") and self.state == "waiting":
            self.turn("scan", key)
        before, after = TURNS.get(action, ((), ""))
        if self.state not in before:
            raise WrongTurn(f"cannot {action} a QR code that is {self.state}")
        if action == "scan":
            self.person = world.feishu.directory.people.get(key)
            if self.person is None:
                raise WrongTurn(f"no such person: {key}")
        if action == "confirm":
            self.tmp_code = issue_tmp_code(self.person).value
        self.reached = after


def open_ticket(app):
    """Return a new QR code for this application."""
    ticket = Ticket(token_hex(8), app, world.now() + TICKET_LIFETIME)
    world.feishu.tickets[ticket.id] = ticket
    return ticket


def find_ticket(id):
    """Return the QR code with this id, or None.

    The id "last" means the newest.
    """
    tickets = world.feishu.tickets
    return next(reversed(tickets.values()), None) if id == "last" else tickets.get(id)


def list_open_tickets():
    """Return the QR codes that still wait, the newest first."""
    return [ticket for ticket in reversed(world.feishu.tickets.values()) if ticket.state in OPEN_STATES]


def issue_tmp_code(person):
    """Return the temporary code of a confirmed scan.

    The QR page gets it and takes it to passport's authorize page.
    """
    return world.vault.issue("tmp_code", token_hex(16), TMP_CODE_LIFETIME, app=None, person=person)
