"""Which of the neo4j driver's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

import neo4j.exceptions as driver

from expectations_plugins.core.error_table import ErrorTable

KEY_TAKEN = "Neo.ClientError.Schema.ConstraintValidationFailed"
NO_DATABASE = "Neo.ClientError.Database.DatabaseNotFound"
CONTENTION = (
    KEY_TAKEN,
    "Neo.TransientError.Transaction.DeadlockDetected",
    "Neo.TransientError.Transaction.LockClientStopped",
    "Neo.TransientError.Transaction.LockAcquisitionTimeout",
    "Neo.TransientError.Transaction.Outdated",
    "Neo.TransientError.Transaction.ConstraintsChanged",
)
"""Codes of transactions that were undone because another one touched the same nodes or created the same key."""

LABEL_BEING_MADE = ("Neo.ClientError.Statement.SemanticError", "Error executing Cypher command")
"""Code and text with which ArcadeDB also undoes one of two transactions that are the first to set a label."""


def is_contention(error: BaseException) -> bool:
    """Whether the server undid a transaction for the sake of another one, so that the same one may pass now."""
    if not isinstance(error, driver.Neo4jError):
        return False
    code, text = LABEL_BEING_MADE
    return error.code in CONTENTION or (error.code == code and str(error.message).startswith(text))


def is_deadlock(error: BaseException) -> bool:
    """Whether it is contention by its code alone; a key that is taken may stay so."""
    return isinstance(error, driver.TransientError) and error.code in CONTENTION


def _refine(error: BaseException) -> bool | None:
    """The driver knows which of its errors a new transaction may heal; it cannot know that we only merge by key.

    So a key that is taken means that another batch created the node at the same moment: the next try finds it.
    """
    if isinstance(error, driver.ConstraintError) and error.code == KEY_TAKEN:
        return True
    if isinstance(error, driver.ServiceUnavailable | driver.SessionExpired):
        return True
    if isinstance(error, driver.Neo4jError | driver.DriverError):
        return True if error.is_retryable() else None
    return None


def _refuses(error: BaseException) -> bool:
    """A database that does not exist is only a client error to the driver, and only its code tells."""
    return isinstance(error, driver.Neo4jError) and error.code == NO_DATABASE


ERRORS = ErrorTable(
    store="Neo4j",
    transient=(
        driver.TransientError,
        driver.DatabaseUnavailable,
        driver.NotALeader,
        driver.ForbiddenOnReadOnlyDatabase,
        driver.SessionExpired,
        driver.ServiceUnavailable,
        driver.RoutingServiceUnavailable,
        driver.WriteServiceUnavailable,
        driver.ReadServiceUnavailable,
        driver.IncompleteCommit,
        driver.ConnectionPoolError,
        driver.ConnectionAcquisitionTimeoutError,
    ),
    terminal=(
        driver.GqlError,
        driver.Neo4jError,
        driver.ClientError,
        driver.CypherSyntaxError,
        driver.CypherTypeError,
        driver.ConstraintError,
        driver.AuthError,
        driver.TokenExpired,
        driver.Forbidden,
        driver.DatabaseError,
        driver.DriverError,
        driver.SessionError,
        driver.TransactionError,
        driver.TransactionNestingError,
        driver.ResultError,
        driver.ResultFailedError,
        driver.ResultConsumedError,
        driver.ResultNotSingleError,
        driver.BrokenRecordError,
        driver.ConfigurationError,
        driver.AuthConfigurationError,
        driver.CertificateConfigurationError,
        driver.UnsupportedServerProduct,
    ),
    base=(driver.GqlError, driver.DriverError),
    refine=_refine,
    refused=(
        driver.AuthError,
        driver.TokenExpired,
        driver.Forbidden,
        driver.UnsupportedServerProduct,
        driver.ConfigurationError,
    ),
    refuses=_refuses,
)
"""The driver's exceptions."""
