"""Which of pymongo's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

from typing import Any

import bson.errors
import pymongo.errors as driver

from expectations_plugins.core.error_table import ErrorTable

DUPLICATE_KEY = 11000
WRITE_CONFLICT = 112

TRANSIENT_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        43,  # CursorNotFound
        46,  # LockBusy
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        WRITE_CONFLICT,
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        365,  # TemporarilyUnavailable
        9001,  # SocketException
        10058,  # legacy "not primary or secondary"
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
"""Server error codes that heal (mongo, src/mongo/base/error_codes.yml: RetriableError, ShutdownError, and timeouts)."""

REFUSING_CODES = frozenset({11, 13, 18, 8000})  # UserNotFound, Unauthorized, AuthenticationFailed, Atlas' own
TRANSIENT_LABELS = ("RetryableWriteError", "TransientTransactionError", "NoWritesPerformed", "SystemOverloadedError")


def is_contention(error: BaseException) -> bool:
    """Whether the server undid a transaction in favour of another one, so that the same one may pass now."""
    if isinstance(error, driver.BulkWriteError):
        return any(problem.get("code") == WRITE_CONFLICT for problem in error.details.get("writeErrors", ()))
    return isinstance(error, driver.OperationFailure) and error.code == WRITE_CONFLICT


def refuse_all_but_duplicates(error: driver.BulkWriteError) -> None:
    """Raise what is wrong besides keys that exist, without the bulk error's own text: it repeats whole records.

    Raises:
        OperationFailure: The first of the other problems.
    """
    problems = [*error.details["writeErrors"], *error.details["writeConcernErrors"]]
    others = [problem for problem in problems if problem.get("code") != DUPLICATE_KEY]
    if others:
        raise driver.OperationFailure(str(others[0].get("errmsg", "")), others[0].get("code")) from None


def _refine(error: BaseException) -> bool | None:
    """By label and server code, where the type alone says too little."""
    if not isinstance(error, driver.PyMongoError):
        return None
    if any(error.has_error_label(label) for label in TRANSIENT_LABELS):
        return True
    if isinstance(error, driver.BulkWriteError):
        return _all_transient(error.details)
    if isinstance(error, driver.OperationFailure) and error.code is not None:
        return True if error.code in TRANSIENT_CODES else None
    return None


def _all_transient(details: Any) -> bool:
    problems = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    relevant = [problem for problem in problems if problem.get("code") != DUPLICATE_KEY]
    return bool(relevant) and all(problem.get("code") in TRANSIENT_CODES for problem in relevant)


def _refuses(error: BaseException) -> bool:
    return isinstance(error, driver.OperationFailure) and error.code in REFUSING_CODES


ERRORS = ErrorTable(
    store="MongoDB",
    transient=(
        driver.ConnectionFailure,
        driver.AutoReconnect,
        driver.NetworkTimeout,
        driver.NotPrimaryError,
        driver.ServerSelectionTimeoutError,
        driver.WaitQueueTimeoutError,
        driver.CursorNotFound,
        driver.ExecutionTimeout,
        driver.WTimeoutError,
    ),
    terminal=(
        driver.PyMongoError,
        driver.ProtocolError,
        driver.ConfigurationError,
        driver.InvalidURI,
        driver.OperationFailure,
        driver.WriteConcernError,
        driver.WriteError,
        driver.DuplicateKeyError,
        driver.BulkWriteError,
        driver.ClientBulkWriteException,
        driver.InvalidOperation,
        driver.InvalidName,
        driver.CollectionInvalid,
        driver.DocumentTooLarge,
        driver.EncryptionError,
        driver.EncryptedCollectionError,
        bson.errors.BSONError,
        bson.errors.InvalidBSON,
        bson.errors.InvalidStringData,
        bson.errors.InvalidDocument,
        bson.errors.InvalidId,
    ),
    base=(driver.PyMongoError, bson.errors.BSONError),
    refine=_refine,
    refused=(driver.ConfigurationError, driver.InvalidURI),
    refuses=_refuses,
)
"""pymongo's exceptions."""
