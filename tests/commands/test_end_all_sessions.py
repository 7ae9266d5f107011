"""`flask sessions end-all` signs out every browser."""

from sqlalchemy import select
from support.admin_client import open_database, strip_markup
from support.portal_app import FEISHU, WECOM, both_databases
from support.rows import open_admin_browser
from support.syncs import sign_in_person

from portal.models import AuditEvent


@both_databases
def test_every_session_ends_and_the_number_is_printed(portal):
    browsers = [sign_in_person(portal, FEISHU, "zhangsan"), sign_in_person(portal, WECOM, "lisi")]
    browsers.append(open_admin_browser(portal))
    runner = portal.test_cli_runner()
    done = runner.invoke(args=["sessions", "end-all"])
    assert (done.exit_code, done.output) == (0, "Sessions ended: 3\n")
    assert {browser.session().status_code for browser in browsers} == {401}
    assert runner.invoke(args=["sessions", "end-all"]).output == "Sessions ended: 0\n"
    with open_database(portal) as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "session.end_all")).all()
    assert [row.details["sessions"] for row in rows] == [3, 0]
    assert sign_in_person(portal, FEISHU, "zhangsan").session().status_code == 200
    page = strip_markup(open_admin_browser(portal).get("/admin/audit").text)
    assert "All sessions of all accounts were ended on the server 3 sessions ended" in page
