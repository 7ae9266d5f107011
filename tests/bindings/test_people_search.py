"""The search of the table finds people by e-mail, mobile and reference, too."""

import re

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_request

pytestmark = pytest.mark.usefixtures("alice", "context")


@pytest.fixture
def found(alice):
    """Return a function that searches and gives the names it finds."""

    def search(text):
        page = alice.get("/admin/bindings", query_string={"q": text}).text
        return re.findall(r'href="/admin/people/\d+\?[^"]*">([^<]*)</a>', page)

    return search


@both_databases
class TestContacts:
    @pytest.fixture(autouse=True)
    def people(self, context):
        own = add_account("zhang.wei", email="Wei@corp.example")
        add_person("zw", account=own, name="张伟", email="zw@mail.example", mobile="+8613812345678")
        add_person("ln", name="李娜", company_email="li.na@corp.example", mobile="13900005679")
        add_request(add_person("wf", name="王芳"), reference="7F3K-2Q")

    @pytest.mark.parametrize("text", ["zw@mail.example", "ZW@Mail.Example", "wei@corp.example"])
    def test_a_whole_address_of_person_or_account(self, found, text):
        assert found(text) == ["张伟"]

    def test_the_address_the_company_gave(self, found):
        assert found("li.na@corp.example") == ["李娜"]

    def test_a_part_of_an_address_finds_nobody_for_pages_mask_it(self, found):
        assert found("@mail.example") == []

    @pytest.mark.parametrize("text", ["5678", "345678", "13812345678"])
    def test_the_last_four_digits_of_a_mobile_number_or_more(self, found, text):
        assert found(text) == ["张伟"]

    @pytest.mark.parametrize("text", ["678", "1381", "567"])
    def test_fewer_digits_and_digits_elsewhere_find_nobody(self, found, text):
        assert found(text) == []

    @pytest.mark.parametrize("text", ["7F3K-2Q", "7f3k-2q", "7F3K2Q"])
    def test_the_reference_of_a_request(self, found, text):
        assert found(text) == ["王芳"]
