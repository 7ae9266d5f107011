"""The doctor of Feishu and Lark."""

from portal.elements.feishu.doctor.checks import FeishuDoctor

__all__ = ["FeishuDoctor"]
