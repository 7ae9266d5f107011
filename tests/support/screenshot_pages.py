"""The pages that `make screenshots` draws, and the way to each.

A function takes a page in Chromium and `site`, which holds the addresses of the portals.
"""

import re
import subprocess
import sys
from types import SimpleNamespace

from support.portal_app import ROOT

STAFF = b"username,employee number,platform\nlisi,E0002,feishu\nnew.one,E0001,feishu\nbob,E9999,feishu\n"
CONNECT = "form[action*='/account/bind/'] button"


def open_login(page, site):
    page.goto(f"{site.url}/login")
    page.frame_locator("#qr iframe").locator("img").first.wait_for()


def open_wecom_login(page, site):
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    if page.viewport_size["width"] >= 480:
        page.frame_locator("#panel-frame iframe").locator("fieldset").wait_for()


def open_login_trouble(page, site):
    open_login(page, site)
    page.locator(".trouble summary").click()


def open_in_app(page, site):
    page.goto(f"{site.url}/login/QywxInnerExample/in-app?next=/account")
    page.goto(f"{site.url}/login/QywxInnerExample/in-app?next=/account")


def open_account(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer_platform_page(page)


def open_bind_confirmation(page, site):
    open_account(page, site)
    scan_to_connect(page)


def open_unbind_confirmation(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer_platform_page(page, "lisi")
    if page.locator(CONNECT).count():
        scan_to_connect(page, "lisi")
        page.locator("main form button").click()
        page.wait_for_url(f"{site.url}/account")
    page.locator("main a[href$='/unbind']").last.click()
    page.locator("main form").wait_for()


def scan_to_connect(page, person="zhangsan"):
    page.locator(CONNECT).click()
    page.locator('input[name="person"]').first.wait_for()
    answer_platform_page(page, person)


def cancel_login(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer_platform_page(page, button="Refuse")


def open_waiting(page, site):
    page.goto(f"{site.asking}/login/FSInnerExample")
    answer_platform_page(page)


def open_one_time_link(page, site):
    command = [sys.executable, "-m", "flask", "create-admin", "wang.fang"]
    done = subprocess.run(command, cwd=ROOT, env=site.settings, check=True, capture_output=True, text=True)
    page.goto(done.stdout.strip())


def answer_platform_page(page, person="zhangsan", button="Allow"):
    page.locator(f'input[name="person"][value="{person}"]').check()
    page.get_by_role("button", name=button).click()
    page.locator("main h1:visible").first.wait_for()


# The administrators' pages, in a company with people in every state


def open_overview(page, site):
    open_as_administrator(page, site, "/admin")


def open_search(page, site):
    open_as_administrator(page, site, "/admin/search?q=李四")


def open_bindings(page, site):
    open_as_administrator(page, site, "/admin/bindings")


def open_suggestions(page, site):
    open_as_administrator(page, site, "/admin/bindings?status=suggested")


def open_bind(page, site):
    open_as_administrator(page, site, "/admin/queue")
    page.get_by_role("link", name="李四").first.click()
    page.locator("main a[href*='/bindings/bind?']").first.click()
    page.locator("main h1:visible").first.wait_for()


def open_person(page, site):
    open_as_administrator(page, site, "/admin/bindings?status=bound")
    page.get_by_role("link", name="Alice Johnson").first.click()
    page.locator("main h1:visible").first.wait_for()


def open_conflict(page, site):
    open_as_administrator(page, site, "/admin/bindings?status=conflict")
    page.locator("main a[href*='/conflict?']").first.click()
    page.locator("main h1:visible").first.wait_for()


def open_queue(page, site):
    open_as_administrator(page, site, "/admin/queue")


def open_accept(page, site):
    open_as_administrator(page, site, "/admin/bindings/accept?all=yes")


def open_accounts(page, site):
    open_as_administrator(page, site, "/admin/accounts")


def open_account_card(page, site):
    open_as_administrator(page, site, "/admin/accounts")
    page.get_by_role("link", name="bob", exact=True).click()
    page.locator("main h1:visible").first.wait_for()


def open_off_boarding(page, site):
    open_account_card(page, site)
    page.locator("main a[href$='/offboard']").click()
    page.locator("main h1:visible").first.wait_for()


def open_new_account(page, site):
    open_as_administrator(page, site, "/admin/queue")
    page.get_by_role("link", name="李四").first.click()
    person = page.url.rpartition("/")[2]
    page.goto(f"{site.office}/admin/accounts/create?identity={person}")
    page.locator("main h1:visible").first.wait_for()


def open_directory(page, site):
    open_as_administrator(page, site, "/admin/directory")


def open_groups(page, site):
    open_as_administrator(page, site, "/admin/groups")


def open_group(page, site):
    open_as_administrator(page, site, "/admin/groups/developers/edit")


def open_launcher(page, site):
    open_as_administrator(page, site, "/apps")


def open_applications(page, site):
    open_as_administrator(page, site, "/admin/applications")


def open_application(page, site):
    open_as_administrator(page, site, "/admin/applications/wiki")


def open_new_application(page, site):
    open_as_administrator(page, site, "/admin/applications/create")


def open_preview(page, site):
    open_as_administrator(page, site, "/admin/applications/wiki/preview?q=alice")
    page.locator("#results a").first.click()
    page.locator("main h1:visible").first.wait_for()


def open_elements(page, site):
    open_as_administrator(page, site, "/admin/elements")
    page.locator("main form[data-check] button").first.click()
    page.locator("main h1:visible").first.wait_for()


def open_audit(page, site):
    open_as_administrator(page, site, "/admin/audit")


def open_import(page, site):
    open_as_administrator(page, site, "/admin/bindings/import")
    page.locator("input[type=file]").set_input_files({"name": "staff.csv", "mimeType": "text/csv", "buffer": STAFF})
    page.locator("form:has(input[type=file]) button").click()
    page.locator("table").wait_for()


def open_as_administrator(page, site, path):
    """Open a page as the administrator wang.fang."""
    open_one_time_link(page, SimpleNamespace(settings=site.office_settings))
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile("/(account|apps)$"))
    page.goto(site.office + path)


PAGES = {
    "login": open_login,
    "login-wecom": open_wecom_login,
    "login-trouble": open_login_trouble,
    "in-app": open_in_app,
    "account": open_account,
    "account-bind": open_bind_confirmation,
    "account-unbind": open_unbind_confirmation,
    "cancelled": cancel_login,
    "waiting": open_waiting,
    "one-time-link": open_one_time_link,
    "overview": open_overview,
    "search": open_search,
    "bindings": open_bindings,
    "suggestions": open_suggestions,
    "person": open_person,
    "bind": open_bind,
    "conflict": open_conflict,
    "queue": open_queue,
    "accept": open_accept,
    "accounts": open_accounts,
    "account-card": open_account_card,
    "off-boarding": open_off_boarding,
    "new-account": open_new_account,
    "directory": open_directory,
    "groups": open_groups,
    "group": open_group,
    "launcher": open_launcher,
    "applications": open_applications,
    "application": open_application,
    "new-application": open_new_application,
    "preview": open_preview,
    "elements": open_elements,
    "audit": open_audit,
    "import": open_import,
}

ADMIN_PATHS = {  # the ids are those of `large_company`
    "bindings": "/admin/bindings",
    "suggestions": "/admin/bindings?status=suggested",
    "person": "/admin/people/10000",
    "bind": "/admin/bindings/bind?identity=10000",
    "queue": "/admin/queue",
    "accounts": "/admin/accounts",
    "account": "/admin/accounts/10000",
    "disable": "/admin/accounts/10000/disable",
    "directory": "/admin/directory",
    "groups": "/admin/groups",
    "group": "/admin/groups/developers/edit",
    "launcher": "/apps",
    "applications": "/admin/applications",
    "new-application": "/admin/applications/create",
    "elements": "/admin/elements",
    "audit": "/admin/audit",
    "import": "/admin/bindings/import",
}
