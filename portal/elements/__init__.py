"""Configured logins: Meta -> Type -> Instance, under the names their users know (hence the camelCase)."""

from portal.elements.fs_inner import FSInnerType
from portal.elements.meta import Meta
from portal.elements.qywx_inner import QywxInnerType
from portal.providers.base import Person

__all__ = ["FSInnerType", "Meta", "Person", "QywxInnerType"]
