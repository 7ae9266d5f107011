"""The doctor of WeCom."""

from portal.elements.wecom.doctor.checks import WecomDoctor

__all__ = ["WecomDoctor"]
