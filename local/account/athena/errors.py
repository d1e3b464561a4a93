"""Why a query does not run, or is not taken."""
from __future__ import annotations


class QueryError(Exception):
    """The query fails: state FAILED with this reason."""


class ScanLimitExceeded(Exception):
    """The query is cancelled: it scanned more than the work group allows."""


class Malformed(Exception):
    """StartQueryExecution refuses the text."""


def not_here(what: str) -> QueryError:
    """Athena runs it, or may; this account does not, and never guesses an answer."""
    return QueryError(f"NOT_SUPPORTED: the local account does not run {what}")
