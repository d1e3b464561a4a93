"""Amazon Athena: queries really run over the objects of the tables in the account's AWS Glue catalogue; what does not run here is an error."""
from __future__ import annotations

from .api import install

__all__ = ["install"]
