"""The directory shows each company's departments as a tree."""

import re

from sqlalchemy import func, select
from support.portal_app import WECOM, both_databases

from portal.database import db
from portal.directory import runs, sync, tree
from portal.models import Department, Identity, Membership

PAGE = "/admin/directory"


@both_databases
def test_the_tree_counts_everybody_below(alice, portal):
    with portal.app_context():
        sync.Sync(portal.getElement(f"auths.loginTypes.{WECOM}"), runs.begin_from_command(WECOM)).run()
    shown = re.findall(r"<strong>([^<]*)</strong>\s*<span class=\"soft\">(\d+) p", alice.get(PAGE).text)
    with portal.app_context():
        everybody = select(func.count()).where(Identity.provider == "wecom", Identity.status != 2)
        seated = everybody.where(Identity.id.in_(select(Membership.identity_id)))
        assert ("云杉科技", str(db.session.scalar(seated))) in shown
    names = [name for name, _number in shown]
    assert names.index("研发中心") < names.index("平台组")


@both_databases
def test_departments_in_a_circle_are_counted(portal):
    with portal.app_context():
        company = {"provider": "wecom", "tenant": "circle"}
        rows = [Department(**company, dept_id=own, parent_id=other, name=own) for own, other in ("ab", "ba")]
        person = Identity(**company, subject="zw", user_id="zw", name="张伟")
        db.session.add_all([*rows, person])
        db.session.flush()
        db.session.add(Membership(department_id=rows[0].id, identity_id=person.id))
        db.session.commit()
        ids = [row.id for row in rows]
        assert tree.count_people_below(ids) == dict.fromkeys(ids, 1)


def test_a_large_company_begins_with_two_levels(alice, portal):
    with portal.app_context():
        company = {"provider": "wecom", "tenant": "large"}
        rows = [Department(**company, dept_id="1", parent_id="0", name="总公司")]
        rows += [Department(**company, dept_id=f"1{n}", parent_id="1", name=f"分部{n}") for n in range(100)]
        rows += [Department(**company, dept_id=f"2{n}", parent_id=f"1{n}", name=f"小组{n}") for n in range(100)]
        db.session.add_all(rows)
        db.session.commit()
    page = alice.get(PAGE).text
    assert "分部99" in page and "小组" not in page
    assert len(page) < 100_000
