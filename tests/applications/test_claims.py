"""What an application is told about an account."""

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_person

from portal.applications import claims
from portal.database import db
from portal.models import LEFT, Application

pytestmark = pytest.mark.usefixtures("context")


def describe(account, person=None, **settings):
    application = Application(name="wiki", title="Wiki", **{"username_from": "username", **settings})
    db.session.commit()
    return claims.describe_account(application, account.id, person.id if person else None)


def list_remarks(description):
    return [str(remark) for remark in description.remarks]


class TestUsername:
    @both_databases
    @pytest.mark.parametrize(
        ("source", "username"),
        [("username", "zhang"), ("user_id", "u-1"), ("email", "zhang@corp.example"), ("employee_number", "E7")],
    )
    def test_it_comes_from_where_the_application_wants(self, source, username):
        account = add_account("zhang")
        add_person("u-1", account, company_email="zhang@corp.example", employee_number="E7")
        assert describe(account, username_from=source).username == username

    @pytest.mark.parametrize("source", ["user_id", "email", "employee_number"])
    def test_one_that_is_missing_is_the_account_s(self, source):
        account = add_account("zhang", employee_number=None)
        description = describe(account, username_from=source)
        assert description.username == "zhang"
        assert "the username is sent" in list_remarks(description)[-1]

    @both_databases
    @pytest.mark.parametrize("source", ["user_id", "employee_number"])
    def test_one_that_another_account_has_too_is_told_for_neither(self, source):
        accounts = [add_account(name) for name in ("zhang", "li")]
        for number, account in enumerate(accounts):
            tenant = f"t{number}"
            add_person("same", account, tenant=tenant, subject=f"s{number}", employee_number="same")
        described = [describe(account, username_from=source) for account in accounts]
        assert [description.username for description in described] == ["zhang", "li"]
        assert all("Another account" in list_remarks(description)[-1] for description in described)

    @both_databases
    @pytest.mark.parametrize("username", ["boss", "BOSS"])
    def test_a_username_that_is_the_value_of_another_is_told_no_more(self, username):
        """The application would take the account for the other one."""
        account = add_account("zhang")
        add_person("Boss", account)
        other = add_account(username)
        assert describe(account, username_from="user_id").username == "Boss"
        assert describe(other, username_from="user_id").username == ""
        add_person("o-2", other)
        assert describe(other, username_from="user_id").username == "o-2"

    @both_databases
    @pytest.mark.parametrize("values", [("E100", "e100"), ("1001", "1001")])
    def test_values_are_one_in_any_case(self, values):
        first, second = add_account("zhang", employee_number=values[0]), add_account("e100")
        second.employee_number = values[1]
        described = [describe(account, username_from="employee_number").username for account in (first, second)]
        assert described == ["zhang", "" if values[0] == "E100" else "e100"]

    def test_an_address_that_people_can_change_is_no_username(self):
        account = add_account("zhang")
        add_person("u-1", account, email="boss@corp.example")
        assert describe(account, username_from="email").username == "zhang"


class TestEmail:
    @both_databases
    @pytest.mark.parametrize(
        ("own", "company", "personal", "domain", "email", "verified"),
        [
            ("own@corp.example", "c@corp.example", "p@x.example", None, "own@corp.example", True),
            (None, "c@corp.example", "p@x.example", None, "c@corp.example", True),
            (None, "", "p@x.example", "corp.example", "p@x.example", False),
            (None, "", "", "corp.example", "zhang@corp.example", False),
            (None, "", "", None, None, False),
        ],
    )
    def test_an_address_counts_as_verified_if_the_company_administers_it(
        self, own, company, personal, domain, email, verified
    ):
        account = add_account("zhang", email=own)
        add_person("u-1", account, company_email=company, email=personal)
        description = describe(account, email_domain=domain)
        assert (description.email, description.email_verified) == (email, verified)
        assert ("email" in description.told) == verified

    @both_databases
    @pytest.mark.parametrize("holder", ["account", "person"])
    def test_one_of_two_accounts_is_verified_for_neither(self, holder):
        account, other = add_account("zhang", email="Team@corp.example"), add_account("li")
        if holder == "account":
            other.email = "team@corp.example"
        else:
            add_person("u-2", other, company_email="team@corp.example")
        assert not describe(account).email_verified
        assert not describe(other).email_verified


class TestPerson:
    def test_the_person_of_the_sign_in_is_spoken_of(self):
        account = add_account("zhang", name="Zhang")
        first, second = (add_person("a", account, name="A"), add_person("b", account, provider="feishu", name="B"))
        assert describe(account, second, username_from="user_id").username == "b"
        assert (describe(account, first).name, describe(account, second).name) == ("A", "B")
        assert describe(account).name == "A"

    def test_a_person_who_has_left_is_not(self):
        account = add_account("zhang", name="Zhang")
        person = add_person("a", account, name="A", status=LEFT)
        description = describe(account, person, username_from="user_id")
        assert (description.name, description.username) == ("Zhang", "zhang")

    def test_the_subject_is_neither_number_nor_name(self):
        account = add_account("zhang")
        assert describe(account).subject == account.subject
        assert len(account.subject) == 22
        assert account.subject.isalnum()
