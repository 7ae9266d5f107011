"""An impossible id of a person or department is 60111.

That holds for every type and method.
"""

import pytest

from jit.errcode import Code

ODD = ["", " ", "a\x00b", "\ud800", "x" * 5000, " a", [], {}, True, 1.5, b"x"]
METHODS = {
    "FSInnerExample": ["getUserInfo", "syncUserInfo", "syncDepartmentInfo", "getUserToken"],
    "QywxInnerExample": ["getUserInfo", "syncUserInfo", "syncDepartmentInfo"],
}


@pytest.mark.parametrize(("name", "method"), [(name, method) for name in METHODS for method in METHODS[name]])
def test_odd_ids_are_refused_before_any_call(portal, sandbox, name, method):
    with portal.app_context():
        element = portal.getElement(f"auths.loginTypes.{name}")
        for value in ODD + [None] * (method != "syncDepartmentInfo"):
            with pytest.raises(Code) as error:
                getattr(element, method)(value)
            assert error.value.code == 60111, value
    assert sandbox.calls("/open-apis/*") == sandbox.calls("/cgi-bin/*") == []


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dept", ["a/b", "..", 99999])
def test_an_unknown_department_is_60111(portal, name, dept):
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement(f"auths.loginTypes.{name}").syncDepartmentInfo(dept)
    assert error.value.code == 60111


def test_a_number_counts_as_text(portal):
    with portal.app_context():
        portal.getElement("auths.loginTypes.QywxInnerExample").syncDepartmentInfo(1)
