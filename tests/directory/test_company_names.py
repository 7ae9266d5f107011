"""People read the name of a company, and never its key."""

import pytest
from support.admin_client import open_database, sign_in_administrator
from support.portal_app import FEISHU, WECOM, both_databases
from support.scans import scan_person
from support.syncs import APPS, run_sync

from portal.directory import companies
from portal.elements.doctor.element import examine
from portal.models import AppCompany, Department, Identity

HOME, OTHER = "5a4db0c5a4db0c01", "5a4db0c5a4db0c02"  # the sandbox's two companies
NAME = "云杉科技 Spruce Works"
QUERY = "/open-apis/tenant/v2/tenant/query"
CORP = "wwsandbox00000001"

pytestmark = both_databases


def name_company(portal, provider, tenant):
    with open_database(portal):
        return companies.read_names().name(provider, tenant)


class TestFeishu:
    def test_a_sync_learns_the_name(self, portal):
        assert name_company(portal, "feishu", HOME) == ""
        run_sync(portal, FEISHU)
        assert name_company(portal, "feishu", HOME) == NAME
        assert name_company(portal, "feishu", OTHER) == "Other company"

    def test_so_does_the_doctor_also_anew(self, portal):
        with open_database(portal):
            examine(portal.elements.find_active(FEISHU))
        assert name_company(portal, "feishu", HOME) == NAME

    def test_it_is_asked_for_where_the_settings_tell_the_company(self, elements, make_portal, sandbox):
        elements.feishu(tenantKeys=[HOME])
        portal = make_portal()
        assert name_company(portal, "feishu", HOME) == ""
        assert name_company(portal, "feishu", OTHER) == "Other company"
        run_sync(portal, FEISHU), run_sync(portal, FEISHU)
        assert name_company(portal, "feishu", HOME) == NAME
        assert len(sandbox.calls(QUERY)) == 1

    @pytest.mark.parametrize("answer", ["no permission", "down", "no name", "hostile"])
    def test_a_name_that_is_not_told_stops_no_sync(self, elements, make_portal, sandbox, answer):
        elements.feishu(tenantKeys=[HOME])
        if answer == "no permission":
            sandbox.app(**APPS[FEISHU], drop_permissions=["tenant:tenant:readonly"])
        elif answer == "down":
            sandbox.fail(QUERY, count=1, status=500, body="down")
        else:
            tenant = {"tenant_key": HOME} | ({} if answer == "no name" else {"name": "\u202eC\x00\n" + "x" * 5000})
            sandbox.fail(QUERY, body={"code": 0, "msg": "success", "data": {"tenant": tenant}})
        portal = make_portal()
        assert run_sync(portal, FEISHU).state == "done"
        name = name_company(portal, "feishu", HOME)
        assert name == ("C " + "x" * 253 if answer == "hostile" else "")
        run_sync(portal, FEISHU)
        assert (name_company(portal, "feishu", HOME) == NAME) == (answer == "down")  # asked again only then


class TestWecom:
    def test_the_element_tells_the_name(self, elements, make_portal):
        elements.wecom(companyName="云杉")
        portal = make_portal()
        assert name_company(portal, "wecom", CORP) == "云杉"
        assert name_company(portal, "wecom", "ww2") == "Other company"

    def test_without_the_key_it_has_none(self, portal):
        assert name_company(portal, "wecom", CORP) == ""
        assert name_company(portal, "wecom", "ww2") == "Other company"
        assert name_company(portal, "plain", "x") == ""


class TestPages:
    def test_the_pages_of_a_person_name_the_company(self, portal, client):
        client.sign_in(FEISHU)
        portal.test_client().sign_in(FEISHU, "outsider")
        run_sync(portal, FEISHU)
        with open_database(portal) as session:
            ids = dict(session.query(Identity.tenant, Identity.id).filter(Identity.account_id.is_not(None)).all())
            session.add(Department(provider="feishu", tenant=OTHER, dept_id="1", name="Sales"))
            session.commit()
        alice = sign_in_administrator(portal)
        assert NAME in alice.get(f"/admin/people/{ids[HOME]}").text
        for path in (f"/admin/people/{ids[OTHER]}", f"/admin/bindings/bind?identity={ids[OTHER]}"):
            page = alice.get(path).text
            assert "Other company" in page and OTHER not in page
        page = alice.get("/admin/bindings?q=Olivia").text
        assert "Other company" in page and f"Feishu · {NAME}" in page
        assert page.count(OTHER) == page.count(f'value="feishu:{OTHER}"') == 1

    def test_several_other_companies_are_told_apart(self, portal):
        names = companies.CompanyNames({("feishu", HOME): NAME}, {"feishu"})
        pairs = [("feishu", tenant) for tenant in (HOME, "t1", "t2")]
        with portal.test_request_context():
            assert list(names.label(pairs).values()) == [NAME, "Other company t1", "Other company t2"]

    def test_an_unknown_name_is_left_out(self, client):
        client.sign_in(FEISHU)
        scan_person(client)
        page = client.get("/account/bind/confirm").text
        assert CORP not in page and "Company" not in page

    def test_the_confirmation_names_the_company(self, elements, make_portal):
        elements.wecom(companyName="云杉")
        client = make_portal().test_client()
        client.sign_in(FEISHU)
        scan_person(client)
        assert "<dd>云杉</dd>" in client.get("/account/bind/confirm").text

    def test_the_waiting_page_names_the_company(self, elements, make_portal):
        elements.wecom(companyName="云<b>杉")
        page = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client().wait(WECOM).text
        assert "云&lt;b&gt;杉 · WeCom" in page and CORP not in page


def test_an_answer_of_before_is_completed(portal):
    """Before names were kept, the company alone was."""
    with open_database(portal) as session:
        session.add(AppCompany(provider="feishu", app=portal.elements.find_active(FEISHU).appId, tenant=HOME))
        session.commit()
    run_sync(portal, FEISHU)
    assert name_company(portal, "feishu", HOME) == NAME
