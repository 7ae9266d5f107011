import pytest
from support.doctor import DoctorFixture

from portal.providers import causes


@pytest.fixture
def doctor(sandbox, elements, settings, make_portal, serve, base, monkeypatch):
    for name in causes.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    return DoctorFixture(sandbox, elements, settings, make_portal, serve, base, monkeypatch)
