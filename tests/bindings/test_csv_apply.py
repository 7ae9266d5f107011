"""Applying an import replaces nothing silently, and changes nothing twice."""

from sqlalchemy import select
from support.admin_client import count_rows, open_database, sign_in_administrator, store_account, strip_markup
from support.csv_uploads import (
    read_csv,
    read_outcomes,
    read_results,
    start_dry_run,
    upload_csv,
)
from support.portal_app import both_databases

from portal.bindings import csv_apply, csv_import
from portal.clocks import now
from portal.models import LEFT, Account, AuditEvent, FSInnerAuthModel, Identity, Import, ImportRow


@both_databases
def test_applying_binds_what_is_new_and_leaves_the_rest(alice, portal, person, bound):
    bob, carol = store_account(portal, "bob"), store_account(portal, "carol")
    free, moving = person("free"), person("moving", FSInnerAuthModel, account_id=bob)
    newcomer = person("newcomer")
    address = start_dry_run(
        alice, "bob,,,,,free\ncarol,,,,,moving\ndave,,,,,newcomer,Newcomer,admin\nnobody,,,,,none\n"
    )
    assert read_outcomes(portal, address) == {
        **{2: ("new", ""), 3: ("change", ""), 4: ("account", ""), 5: ("error", "no_person")},
    }
    assert alice.post_form(f"{address}/apply").status_code == 303
    assert (bound(free), bound(moving), bound(newcomer)) == (bob, bob, None)
    assert read_results(portal, address) == {
        2: ("done", ""),
        3: ("left", "not_chosen"),
        4: ("left", "no_account"),
        5: ("left", "no_person"),
    }
    with open_database(portal) as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "binding.make"))
        applied = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "import.apply")).all()
        how = session.scalar(select(Identity.bound_how).where(Identity.id == free))
    assert (event.actor_id, event.account_id, event.identity_id, event.details["how"]) == (1, bob, free, "import")
    assert (applied, how) == ([{"rows": 1}], "import")
    assert carol


@both_databases
def test_accounts_and_moves_are_choices_of_their_own(alice, portal, person, bound):
    bob, carol = store_account(portal, "bob"), store_account(portal, "carol")
    moving, newcomer = person("moving", account_id=bob), person("newcomer", name="戴夫")
    both = person("both", FSInnerAuthModel)
    address = start_dry_run(
        alice, "carol,,,,,moving\ndave,,,,,newcomer,戴夫,管理员\ndave,,,,,both,,\nerin,,,,,,Erin\n"
    )  # fmt: skip
    page = strip_markup(alice.get(address).text)
    assert "Also create the accounts of 3 lines · 1 of them an administrator" in page
    assert "Also move 1 person bound to another account" in page
    alice.post_form(f"{address}/apply", accounts="1", changes="1")
    assert set(read_results(portal, address).values()) == {("done", "")}
    with open_database(portal) as session:
        dave, erin = (session.scalar(select(Account).where(Account.username == name)) for name in ("dave", "erin"))
    assert (dave.name, dave.role, erin.name, erin.role) == ("戴夫", "admin", "Erin", "user")
    assert (bound(moving), bound(newcomer), bound(both)) == (carol, dave.id, dave.id)
    with open_database(portal) as session:
        assert session.get_one(Identity, moving).last_account_id == bob


@both_databases
def test_a_repeated_application_changes_nothing(alice, portal, person):
    store_account(portal, "bob"), person("free"), person("newcomer")
    lines = "bob,,,,,free\ndave,,,,,newcomer\n"
    address = start_dry_run(alice, lines)
    alice.post_form(f"{address}/apply", accounts="1")
    before = [count_rows(portal, model) for model in (AuditEvent, Account)]
    assert alice.post_form(f"{address}/apply", accounts="1").status_code == 409
    assert alice.post_form(f"{address}/step").status_code == 303
    with open_database(portal) as session:  # as if a step had been interrupted before it was noted
        session.get_one(Import, int(address.rpartition("/")[2])).state = "applying"
        for row in session.scalars(select(ImportRow)):
            row.result = None
        session.commit()
    alice.post_form(f"{address}/step")
    assert set(read_results(portal, address).values()) == {("done", "")}
    again = start_dry_run(alice, lines)
    assert set(read_outcomes(portal, again).values()) == {("unchanged", "")}
    assert "There is nothing to apply" in alice.get(again).text
    assert [
        count_rows(portal, AuditEvent) - 1,
        count_rows(portal, Account),
    ] == before  # the end of the step, noted twice


@both_databases
def test_what_has_changed_since_the_dry_run_is_not_replaced(alice, portal, person, bound):
    bob, carol, dave = store_account(portal, "bob"), store_account(portal, "carol"), store_account(portal, "dave")
    taken, left, full = person("taken"), person("left"), person("full")
    address = start_dry_run(alice, "bob,,,,,taken\ncarol,,,,,left\ndave,,,,,full\n")
    other = person("quicker")
    with open_database(portal) as session:
        session.get_one(Identity, taken).account_id = carol
        session.get_one(Identity, left).status = LEFT
        session.get_one(Identity, other).account_id = dave
        session.commit()
    alice.post_form(f"{address}/apply")
    assert read_results(portal, address) == {2: ("failed", "changed"), 3: ("failed", "left"), 4: ("failed", "changed")}
    assert (bound(taken), bound(left), bound(full)) == (carol, None, None)
    assert bob


def test_a_long_file_goes_step_by_step(alice, portal, person, bound, monkeypatch):
    monkeypatch.setattr(csv_import, "CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(csv_apply, "APPLIED_AT_ONCE", 2)
    ids = [person(f"p{number}") for number in range(5)]
    accounts = [store_account(portal, f"u{number}") for number in range(5)]
    address = start_dry_run(alice, "".join(f"u{number},,,,,p{number}\n" for number in range(5)) + "u4,,,,,p0\n")
    assert "2 of 6 lines" in alice.get(address).text
    assert alice.post_form(f"{address}/apply").status_code == 409
    for shown in ("4 of 6 lines", "6 of 6 lines", "5 new bindings"):
        alice.post_form(f"{address}/step")
        assert shown in alice.get(address).text
    assert read_outcomes(portal, address)[7] == ("conflict", "same_person")
    alice.post_form(f"{address}/apply")
    assert "3 of 6 lines" in alice.get(address).text  # two carried out, and one that will not be
    assert [bound(id) for id in ids[:3]] == [*accounts[:2], None]
    for _ in range(2):
        alice.post_form(f"{address}/step")
    assert [bound(id) for id in ids] == accounts
    assert "5 lines were applied." in alice.get(address).text


def test_an_import_is_its_administrators_alone_and_ends(alice, portal, person):
    person("free"), store_account(portal, "bob")
    address = start_dry_run(alice, "bob,,,,,free\n")
    other = sign_in_administrator(portal, "mallory")
    assert other.get(address).status_code == other.get(f"{address}/failed.csv").status_code == 404
    for what in ("apply", "step", "discard"):
        assert other.post_form(f"{address}/{what}").status_code == 404
    assert "staff.csv" in alice.get("/admin/bindings/import").text
    assert "staff.csv" not in other.get("/admin/bindings/import").text
    with open_database(portal) as session:
        session.scalars(select(Import)).one().expires_at = now()
        session.commit()
    assert alice.get(address).status_code == alice.post_form(f"{address}/apply").status_code == 404
    start_dry_run(alice, "bob,,,,,free\n")
    assert count_rows(portal, Import) == count_rows(portal, ImportRow) == 1


def test_a_file_can_be_forgotten(alice, portal, person):
    address = start_dry_run(alice, "bob,,,,,free\n")
    assert alice.post_form(f"{address}/discard").location == "/admin/bindings/import"
    assert count_rows(portal, Import) == count_rows(portal, ImportRow) == 0
    assert alice.get(address).status_code == 404


def test_the_failed_lines_come_back_with_reasons_and_can_be_uploaded_again(alice, portal, person):
    person("zhangsan", mobile="+8613812345678"), store_account(portal, "bob")
    address = start_dry_run(alice, "bob,,,+8613812345678,,,,\nbob,,,+4915112345678,,,=1+1,\n")
    alice.post_form(f"{address}/apply")
    answer = alice.get(f"{address}/failed.csv")
    headings, line = read_csv(answer)
    assert headings[-2:] == ["Line", "Reason"]
    assert line == ["bob", "", "", "'+4915112345678", "", "", "'=1+1", "", "3", "No person in the directory matches."]
    again = upload_csv(alice, answer.data)
    assert read_outcomes(portal, again.location) == {2: ("error", "no_person")}
    with open_database(portal) as session:
        row = session.scalars(select(ImportRow).order_by(ImportRow.import_id.desc())).first()
    assert (row.cells["mobile"], row.cells["name"]) == ("+4915112345678", "=1+1")
