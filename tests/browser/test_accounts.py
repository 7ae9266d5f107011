"""Accounts, the trail and files of bindings in Chromium: from the click to the database, with script and without."""

import re
import time

import pytest
from playwright.sync_api import expect
from support.axe import check_page

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])


TEXTS = "name, mobile, email, avatar, position"
COLUMNS = f"provider, tenant, subject, user_id, employee_number, open_ids, department, {TEXTS}"
COLUMNS += ", gender, status, is_leader, created_at, updated_at"
PERSON = "'wecom', 'company', ?, ?, ?, '{}', '[]', '', '', '', '', '', 0, 1, 0, '2026-01-01', '2026-01-01'"


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def follow(page, name):
    page.locator("main").get_by_role("link", name=name, exact=True).click()


@script
def test_an_account_from_its_making_to_its_end(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    username = f"li.na.{java_script_enabled}".lower()
    page.goto(f"{office.url}/admin/accounts")
    follow(page, "New account")
    page.get_by_label("Name (optional)", exact=True).fill("李娜")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Mobile").fill("13812345678")
    press(page, "Create account")
    expect(page.get_by_role("heading", level=1)).to_have_text("李娜")
    expect(page.get_by_text("138****5678")).to_be_visible()

    follow(page, "Edit")
    page.get_by_label("Employee number").fill("E77")
    press(page, "Save")
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Show the mobile number").click()
    expect(page.get_by_text("13812345678")).to_be_visible()
    expect(page.get_by_text("This view was recorded in the audit log.")).to_be_visible()
    if java_script_enabled:
        expect(page.get_by_role("heading", level=1)).to_have_text("李娜")
        press(page, "Hide the mobile number")
    else:
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Mobile number of {username}")
        follow(page, "Hide")
    expect(page.get_by_text("138****5678")).to_be_visible()
    expect(page.get_by_text("13812345678")).to_have_count(0)

    follow(page, "Make administrator")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Make {username} an administrator?")
    press(page, "Make administrator")
    expect(page.get_by_text("The account is now an administrator.")).to_be_visible()
    assert rows("SELECT role, employee_number, mobile FROM account WHERE username = ?", username) == [
        ("admin", "E77", "13812345678")
    ]

    follow(page, "Disable")
    expect(page.get_by_text("There are no active sessions.")).to_be_visible()
    press(page, "Disable account")
    expect(page.get_by_text("The account is disabled.")).to_be_visible()
    assert rows("SELECT active FROM account WHERE username = ?", username) == [(0,)]
    press(page, "Enable")
    expect(page.get_by_text("The account can sign in again.")).to_be_visible()
    assert rows("SELECT active FROM account WHERE username = ?", username) == [(1,)]

    follow(page, "Full history")
    said = page.locator(".said").all_inner_texts()
    assert said == [
        f"root enabled {username}",
        f"root disabled {username}",
        f"root made {username} an administrator",
        f"root viewed the mobile number of {username}",
        f"root changed the account {username}",
        f"root created the account {username}",
    ]


def test_what_was_typed_stays_when_a_field_can_not_be_used(office, desk, watch):
    page = desk()
    watch.expect(409, "/admin/accounts/create")
    page.goto(f"{office.url}/admin/accounts/create")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Employee number").fill("E1")
    press(page, "Create account")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Username")).to_have_accessible_description(
        re.compile("Another account has this username.")
    )
    expect(page.get_by_label("Employee number")).to_have_value("E1")


@script
def test_a_link_is_made_handed_over_and_used(office, desk, browse, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    username = f"guest.{java_script_enabled}".lower()
    page.goto(f"{office.url}/admin/accounts/create")
    page.get_by_label("Username").fill(username)
    press(page, "Create account")
    press(page, "Create link")
    address = page.locator("#address").inner_text()
    assert page.url.endswith("/link") and address.rpartition("/")[2] not in page.url
    follow(page, "Back to the account")
    assert address not in page.content()
    guest = browse(java_script_enabled=java_script_enabled)
    guest.goto(address)
    press(guest, f"Sign in as {username}")
    expect(guest.get_by_role("heading", level=1)).to_have_text(username)

    page.reload()
    follow(page, "End all sessions")
    expect(page.get_by_text("1 session ends now.")).to_be_visible()
    press(page, "End all sessions")
    expect(page.get_by_text("1 session has ended.")).to_be_visible()
    [[why]] = rows(
        "SELECT ended_why FROM login_session JOIN account ON account.id = account_id WHERE username = ?", username
    )
    assert why == "administrator"
    press(page, "Create link")
    press(page, "Revoke link")
    expect(page.get_by_text("The link can no longer be used.")).to_be_visible()


@script
def test_the_last_administrator_reads_why_they_stay(office, desk, rows, java_script_enabled):
    for (id,) in rows("SELECT id FROM account WHERE role = 'admin' AND username <> 'root'"):
        rows("UPDATE account SET role = 'user' WHERE id = ?", id)
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/accounts")
    follow(page, "root")
    follow(page, "Disable")
    expect(page.get_by_text("This is the last active administrator.")).to_be_visible()
    expect(page.get_by_role("button", name="Disable account")).to_have_count(0)


@script
def test_a_file_from_its_upload_to_its_bindings(office, desk, rows, java_script_enabled):
    mark = f"{java_script_enabled}".lower()
    rows("DELETE FROM identity WHERE user_id LIKE 'file%'")
    for number in range(130):
        rows(f"INSERT INTO identity ({COLUMNS}) VALUES ({PERSON})", *[f"file{number}"] * 2, f"{mark}{number}")
    lines = "".join(f"{mark}.{number},{mark}{number},员工{number}\n" for number in range(130))
    content = ("用户名,工号,姓名\n" + lines + "root,nobody,\n").encode("gb18030")
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/bindings/import")
    page.get_by_label("CSV file").set_input_files({"name": "staff.csv", "mimeType": "text/csv", "buffer": content})
    press(page, "Preview")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preview of staff.csv")
    follow(page, "Errors 1")
    expect(page.get_by_text("No person in the directory matches.")).to_be_visible()
    page.get_by_label("Also create the accounts of 130 lines").check()
    press(page, "Apply")
    if not java_script_enabled:
        expect(page.get_by_text("101 of 131 lines")).to_be_visible()
        press(page, "Continue")
    expect(page.get_by_text("130 lines were applied.")).to_be_visible()
    bound = "SELECT count(*) FROM identity JOIN account ON account.id = account_id WHERE bound_how = 'import'"
    assert rows(f"{bound} AND username LIKE ?", f"{mark}.%") == [(130,)]
    with page.expect_download() as download:
        follow(page, "Download failed lines")
    assert "No person in the directory matches." in download.value.path().read_text(encoding="utf-8-sig")


def test_the_trail_is_filtered_and_taken_along(office, desk):
    page = desk()
    page.goto(f"{office.url}/admin/audit")
    page.get_by_label("Event", exact=True).select_option("Administrator created on the server")
    press(page, "Filter")
    expect(page.locator(".said")).to_have_text(["root was made an administrator on the server"])
    with page.expect_download() as download:
        follow(page, "Export as CSV")
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 2 and "root was made an administrator on the server" in text


# Every page and state of these


def dry_run(page, office):
    page.goto(f"{office.url}/admin/bindings/import")
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"username,mobile\nroot,13812345678\nnew.one,\n"}
    page.get_by_label(re.compile("CSV")).set_input_files(file)
    page.locator("main form .button").first.click()
    page.wait_for_url("**/import/*")


def bad_file(page, office):
    page.goto(f"{office.url}/admin/bindings/import")
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"x"}
    page.get_by_label(re.compile("CSV")).set_input_files(file)
    page.locator("main form .button").first.click()
    page.locator("[role=alert]").wait_for()


def bad_form(page, office):
    page.goto(f"{office.url}/admin/accounts/create")
    page.locator("#username").fill("root")
    page.locator("main form .button").first.click()
    page.locator("[role=alert]").wait_for()


def link(page, office):
    page.goto(f"{office.url}/admin/accounts/1")
    page.locator("form[action$='/link'] button").click()
    page.locator("#address").wait_for()


def reveal(page, office):
    page.goto(f"{office.url}/admin/accounts/create")
    username = f"shown{time.monotonic_ns()}"
    page.locator("#username").fill(username)
    page.locator("#mobile").fill("13812345678")
    page.locator("main form .button").first.click()
    page.locator("form.reveal button").click()
    expect(page.locator("[data-note]")).to_be_visible()


PATHS = {
    "list": "/admin/accounts",
    "no hit": "/admin/accounts?q=xyz",
    "card": "/admin/accounts/1",
    "create": "/admin/accounts/create",
    "edit": "/admin/accounts/1/edit",
    "disable": "/admin/accounts/1/disable",
    "off-board the last": "/admin/accounts/1/offboard",
    "end sessions": "/admin/accounts/1/end-sessions",
    "trail": "/admin/audit",
    "history": "/admin/audit?account=1",
    "no entry": "/admin/audit?text=xyz",
    "import": "/admin/bindings/import",
}
STATES = {"dry run": dry_run, "bad file": bad_file, "bad form": bad_form, "link": link, "reveal": reveal}
REFUSED = {"bad file": (422, "/admin/bindings/import"), "bad form": (409, "/admin/accounts/create")}


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", [*PATHS, *STATES])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(office, desk, watch, axe, state, locale):
    page = desk(locale=locale, reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    if state in REFUSED:
        watch.expect(*REFUSED[state])
    if state in PATHS:
        page.goto(office.url + PATHS[state])
    else:
        STATES[state](page, office)
    check_page(page, axe)
