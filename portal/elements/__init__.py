"""Configured logins: Meta -> Type -> Instance, under the names their users know (hence the camelCase)."""

from portal.elements.feishu.type import FSInnerType
from portal.elements.meta import Meta
from portal.elements.plain import PlainApp, PlainType
from portal.elements.wecom.type import QywxInnerType
from portal.providers.client import ProviderApp
from portal.providers.person import Person

__all__ = ["FSInnerType", "Meta", "Person", "PlainApp", "PlainType", "ProviderApp", "QywxInnerType"]
