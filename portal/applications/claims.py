"""What an application is told about an account."""

from dataclasses import dataclass, field
from urllib.parse import quote

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from portal.database import db
from portal.models import MAY_SIGN_IN, Account, Application, Identity

HEADER_NAMES = {
    "user": "Remote-User",
    "name": "Remote-Name",
    "email": "Remote-Email",
    "groups": "Remote-Groups",
    "subject": "Remote-Subject",
}
TWIN_MARKS = "_."  # some servers read a header's name with these as the one with hyphens
SAFE_IN_HEADER = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"  # all that is printable but the percent sign
# Where a username may come from -> the columns that hold such values.
COLUMNS = {
    "user_id": (Identity.user_id,),
    "email": (Account.email, Identity.company_email),
    "employee_number": (Identity.employee_number, Account.employee_number),
}
SHARED = _("Another account is known by the same value: the username is sent instead.")
MISSING = {
    "user_id": _("There is no member ID: the username is sent."),
    "email": _("There is no verified e-mail address: the username is sent."),
    "employee_number": _("There is no employee number: the username is sent."),
}


@dataclass
class Claims:
    """What is true of an account for one application.

    :param username: "" where it could be taken for another account.
    :param email_verified: whether the company administers the address.
    :param remarks: why something is not as the application's settings ask, for administrators.
    """

    username: str
    name: str
    email: str | None
    email_verified: bool
    subject: str
    remarks: list[str] = field(default_factory=list)

    @property
    def told(self) -> dict[str, str]:
        """Return the values of headers but the groups'.

        An address that people could choose themselves is told to no application this way.
        """
        values = {"user": self.username, "name": self.name, "subject": self.subject}
        if self.email_verified:
            values["email"] = self.email
        return {name: value for name, value in values.items() if value}


def describe_account(application: Application, account_id: int, identity_id: int | None) -> Claims:
    """Return what an application is told about an account.

    :param identity_id: the person of the sign-in; without one, the account's first counts.
    """
    account = db.session.get_one(Account, account_id)
    identity = choose_identity(account_id, identity_id)
    claims = Claims(
        username=account.username,
        name=(identity.shown_name if identity else "") or account.name or account.username,
        email=None,
        email_verified=False,
        subject=account.subject or "",
    )
    tell_email(claims, account, identity, application.email_domain)
    tell_username(claims, account, identity, application.username_from)
    return claims


def choose_identity(account_id: int, identity_id: int | None) -> Identity | None:
    """Return the account's person to speak of, if any."""
    able = select(Identity).where(Identity.account_id == account_id, Identity.status.in_(MAY_SIGN_IN))
    return db.session.scalar(able.order_by((Identity.id == (identity_id or 0)).desc(), Identity.id).limit(1))


def tell_email(claims: Claims, account: Account, identity: Identity | None, domain: str | None) -> None:
    """Add the address, and whether the company administers it."""
    of_company = account.email or (identity.company_email if identity else "")
    claims.email = of_company or (identity.email if identity else "") or None
    if of_company and is_of_another(of_company, "email", account.id):
        claims.remarks.append(_("Another account has the same e-mail address, so it does not count as verified."))
    elif of_company:
        claims.email_verified = True
    elif claims.email:
        claims.remarks.append(_("The e-mail address is one that people can change themselves."))
    elif domain:
        claims.email = f"{account.username}@{domain}"
        claims.remarks.append(_("There is no e-mail address: one is made from the username."))
    else:
        claims.remarks.append(_("There is no e-mail address."))


def tell_username(claims: Claims, account: Account, identity: Identity | None, source: str) -> None:
    """Set the username by the application's rule.

    No two people may be one to an application. So an account without a value of its own alone keeps its username,
    and one whose username is the value of another is told at all no more.
    """
    if source == "username":
        return
    choices = {
        "user_id": identity.user_id if identity else "",
        "email": claims.email if claims.email_verified else "",
        "employee_number": (identity.employee_number if identity else "") or account.employee_number or "",
    }
    value = choices[source]
    if value and not is_of_another(value, source, account.id):
        claims.username = value
        return
    claims.remarks.append(SHARED if value else MISSING[source])
    if is_of_another(account.username, source, account.id):
        claims.username = ""
        claims.remarks.append(_("Another account is known by this username there, so this one may not enter."))


def is_of_another(value: str, source: str, account_id: int) -> bool:
    """Tell whether another account has a value, in any case."""
    for column in COLUMNS[source]:
        owner = Account.id if column.class_ is Account else Identity.account_id
        is_same = func.lower(column) == func.lower(value)
        others = select(owner).where(is_same, owner.is_not(None), owner != account_id)
        if db.session.scalar(others.limit(1)) is not None:
            return True
    return False


def list_twins(header: str) -> list[str]:
    """Return the names that some servers take for a header's."""
    return [header.replace("-", mark) for mark in TWIN_MARKS]


def write_headers(wanted: list[str], encoding: str, told: dict[str, str], groups: list[str]) -> dict[str, str]:
    """Return headers by their names, as WSGI sends them.

    A value that is missing means no header.

    :param told: values by the names of `HEADERS`.
    :param encoding: `utf-8`: as it is, or `percent` for servers that read Latin letters alone.
    """
    values = {**told, "groups": ",".join(groups)}
    sent = {HEADER_NAMES[name]: values[name] for name in wanted if values.get(name)}
    if encoding == "percent":
        return {name: quote(value, safe=SAFE_IN_HEADER) for name, value in sent.items()}
    return {name: value.encode().decode("latin-1") for name, value in sent.items()}
