"""Configured logins, each an instance of a Type below `Meta`.

Their methods have the names that their users know, hence the camelCase.
"""

from portal.elements.feishu.type import FSInnerType
from portal.elements.meta import Meta
from portal.elements.plain import PlainApp, PlainType
from portal.elements.wecom.type import QywxInnerType
from portal.providers.client import Expected, ProviderApp
from portal.providers.person import Person

__all__ = ["Expected", "FSInnerType", "Meta", "Person", "PlainApp", "PlainType", "ProviderApp", "QywxInnerType"]
