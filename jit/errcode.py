"""`from jit.errcode import Code`, as the element examples have it."""

from portal.errors import Code

__all__ = ["Code"]
