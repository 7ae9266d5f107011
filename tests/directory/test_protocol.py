"""Both platforms' clients are a directory as a sync uses it."""

import pytest
from support.syncs import FEISHU, WECOM

from portal.directory.protocol import Directory, Survey

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


@pytest.fixture
def client(portal, name):
    return portal.getElement(f"auths.loginTypes.{name}").directory_client()


@both_platforms
def test_the_client_is_a_directory(client, name):
    assert isinstance(client, Directory)


@both_platforms
def test_what_it_starts_is_a_survey(client, name):
    assert isinstance(client.survey(), Survey)


@pytest.mark.parametrize("protocol", [Directory, Survey])
def test_something_else_is_none(protocol):
    assert not isinstance(object(), protocol)
