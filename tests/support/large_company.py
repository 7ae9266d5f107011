"""A company of some thousand people, put into a portal's database.

It has two platforms, accounts, bindings, suggestions, a queue, sign-ins and syncs of thirty days.
"""

import random
from datetime import timedelta

from sqlalchemy import insert

from portal.clocks import now
from portal.models import LEFT, Account, AuditEvent, BindingRequest, Department, Identity, Membership, SyncRun

TENANTS = {"wecom": "wwsandbox00000001", "feishu": "5a4db0c5a4db0c01"}  # as the sandbox calls its company
ELEMENTS = {"wecom": "QywxInnerExample", "feishu": "FSInnerExample"}
FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
DEPARTMENTS = 44  # on each platform
DAYS = 30
AT_ONCE = 1_000  # rows an insert
CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def fill_company(session, people=3_000, strong=312, weak=40, conflicts=5, waiting=68, departed=10):
    """Store a company, half of it on each platform, and commit.

    The people of the first platform come first. In their order: `strong` unbound ones with an account of the same
    employee number, `weak` ones with an account of the same e-mail address that they may have typed themselves,
    `conflicts` for whom two accounts fit equally, `waiting` in the queue (the first third of them with a suggestion),
    `departed` ones still bound. Of the rest, four of five are bound.

    :param session: of an empty portal's database; accounts of administrators may be there.
    """
    rows = make_rows(people, strong, weak, conflicts, waiting, departed)
    for model, values in rows.items():
        for first in range(0, len(values), AT_ONCE):
            session.execute(insert(model.__table__), values[first : first + AT_ONCE])
    session.commit()


def make_rows(people, strong, weak, conflicts, waiting, departed):
    """Return the rows by their model, in the order they can be stored in."""
    chance, moment, first = random.Random(7), now(), 10_000  # ids begin here; people and accounts in step
    found = {model: [] for model in (Account, Department, Identity, Membership, BindingRequest, AuditEvent, SyncRun)}
    for place, provider in enumerate(TENANTS):
        found[Department] += [make_department(provider, place, number) for number in range(DEPARTMENTS)]
    kinds = ["strong"] * strong + ["weak"] * weak + ["conflict"] * conflicts + ["waiting"] * waiting
    kinds += ["departed"] * departed
    for number in range(people):
        id, place = first + number, number * 2 // people
        kind = kinds[number] if number < len(kinds) else "bound" if number % 5 else "unbound"
        name, seat = chance.choice(FAMILY) + "".join(chance.choices(GIVEN, k=2)), chance.randrange(DEPARTMENTS)
        person = make_person(id, list(TENANTS)[place], name, seat, kind, moment - timedelta(minutes=number))
        found[Identity].append(person)
        found[Membership].append({"identity_id": id, "department_id": first + place * DEPARTMENTS + seat})
        number_of_account = person["employee_number"] if kind != "weak" else None
        if kind in ("strong", "weak", "conflict", "bound", "departed") or (kind == "waiting" and number % 3 == 0):
            found[Account].append(make_account(id, name, number_of_account))
        if kind == "conflict":
            found[Account].append(make_account(id + people, name, person["employee_number"]))
        if kind == "waiting":
            found[BindingRequest].append(make_request(id, person, chance, moment - timedelta(minutes=7 * number)))
    for day in reversed(range(DAYS)):  # ids grow with time
        when = moment - timedelta(days=day, minutes=5)
        bound = [row for row in found[Identity] if row["account_id"]]
        found[AuditEvent] += [make_login(chance.choice(bound), when) for _ in range(chance.randint(4, 30))]
        found[AuditEvent] += [make_login(row, when, 40302) for row in chance.sample(found[Identity], day % 4)]
        found[SyncRun] += [make_run(provider, when, failed=day % 11 == 4) for provider in TENANTS]
    return found


def make_department(provider, place, number):
    parent = "0" if number == 0 else str((number - 1) // 6 + 1)
    own = {"id": 10_000 + place * DEPARTMENTS + number, "dept_id": str(number + 1), "parent_id": parent}
    name = "云杉科技" if number == 0 else f"第{number}部门"
    common = {"provider": provider, "tenant": TENANTS[provider], "open_id": "", "leaders": [], "seated": True}
    return {**common, **own, "name": name, "position": number}


def make_person(id, provider, name, seat, kind, moment):
    is_bound = kind in ("bound", "departed")
    return {
        "id": id,
        "provider": provider,
        "tenant": TENANTS[provider],
        "subject": f"s{id}",
        "user_id": f"p{id}",
        "name": name,
        "email": f"p{id}@example.com",
        "employee_number": f"E{id}",
        "department": [str(seat + 1)],
        "status": LEFT if kind == "departed" else 1,
        "account_id": id if is_bound else None,
        "bound_at": moment if is_bound else None,
        "bound_how": "administrator" if is_bound else None,
        "signed_in_at": moment if is_bound and id % 3 else None,
        "signed_in_how": "qr" if is_bound and id % 3 else None,
        "contact_at": moment,
    }


def make_account(id, name, employee_number):
    own = {"employee_number": employee_number, "email": f"p{id}@example.com"}
    return {"id": id, "username": f"p{id}", "username_key": f"p{id}", "name": name, "role": "user", **own}


def make_request(id, person, chance, moment):
    letters = "".join(chance.choices(CHARACTERS, k=6))
    own = {"id": id, "identity_id": id, "state": "waiting", "reference": f"{letters[:4]}-{letters[4:]}"}
    return {**own, "element": ELEMENTS[person["provider"]], "created_at": moment, "seen_at": moment}


def make_login(person, when, result=0):
    owner = {"account_id": person["account_id"], "identity_id": person["id"]}
    facts = {"element": ELEMENTS[person["provider"]], "details": {}, "address": "192.0.2.7"}
    return {"at": when, "action": "login", "result": result, **owner, **facts}


def make_run(provider, when, failed):
    state = (
        {"state": "failed", "failure": [50201, "unreachable", None]} if failed else {"state": "done", "failure": None}
    )
    own = {
        "element": ELEMENTS[provider],
        "how": "schedule",
        "open": None,
        "counts": {"people": 1_500, "departments": DEPARTMENTS},
    }
    return {**own, **state, "created_at": when, "started_at": when, "ended_at": when + timedelta(minutes=2)}
