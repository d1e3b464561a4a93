"""Application Auto Scaling. A kind of resource becomes scalable by `dimensions.register(Dimension(...))` before the account serves requests."""
from __future__ import annotations

from .api import call, register_all

__all__ = ["call", "register_all"]
