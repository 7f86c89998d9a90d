"""Which of pymilvus's exceptions may heal; a test holds the table complete."""

from __future__ import annotations

import re

import grpc
import pymilvus.exceptions as driver

from expectations_plugins.core.error_table import ErrorTable

TRANSIENT_CODES = frozenset(
    {
        2,  # service unavailable
        4,  # too many concurrent requests
        8,  # rate limit exceeded
        12,  # resources insufficient
        103,  # collection not fully loaded
    }
)
"""Server error codes that heal (milvus, pkg/util/merr/errors.go: retriable). 1, not ready, is also pymilvus' code for
anything unexpected, and so is told by its text."""

NOT_READY = "not ready"
TRANSIENT_STATUS = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
)
REFUSING_STATUS = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
ALREADY_THERE = re.compile("already exist|file exists", re.IGNORECASE)
UNREACHABLE = "illegal connection params or server unavailable"


def _refine(error: BaseException) -> bool | None:
    """By gRPC status and server code, where the type alone says too little."""
    if isinstance(error, grpc.RpcError):
        status = getattr(error, "code", None)
        return callable(status) and status() in TRANSIENT_STATUS
    if not isinstance(error, driver.MilvusException):
        return None
    text = str(error.message)
    if error.code in TRANSIENT_CODES or UNREACHABLE in text or NOT_READY in text:
        return True
    return True if isinstance(error.code, grpc.StatusCode) and error.code in TRANSIENT_STATUS else None


def is_being_made(error: BaseException) -> bool:
    """Whether a server refuses to make what another run has made, or is still making: a moment later it is there."""
    return isinstance(error, driver.MilvusException) and ALREADY_THERE.search(str(error.message)) is not None


def _refuses(error: BaseException) -> bool:
    """By gRPC status, also of what pymilvus calls an unreachable server."""
    for one in (error, error.__cause__):
        code = getattr(one, "code", None)
        if (code() if callable(code) else code) in REFUSING_STATUS:
            return True
    return False


ERRORS = ErrorTable(
    store="Milvus",
    transient=(
        driver.ConnectError,
        driver.MilvusUnavailableException,
        driver.SchemaMismatchRetryableException,
        grpc.FutureTimeoutError,
        grpc.FutureCancelledError,
    ),
    terminal=(
        grpc.RpcError,
        driver.MilvusException,
        driver.ParamError,
        driver.CollectionNotExistException,
        driver.DescribeCollectionException,
        driver.PartitionAlreadyExistException,
        driver.IndexNotExistException,
        driver.AmbiguousIndexName,
        driver.CannotInferSchemaException,
        driver.SchemaNotReadyException,
        driver.DataTypeNotMatchException,
        driver.DataTypeNotSupportException,
        driver.DataNotMatchException,
        driver.ConnectionNotExistException,
        driver.ConnectionConfigException,
        driver.PrimaryKeyException,
        driver.PartitionKeyException,
        driver.ClusteringKeyException,
        driver.FieldsTypeException,
        driver.FunctionsTypeException,
        driver.FieldTypeException,
        driver.AutoIDException,
        driver.InvalidConsistencyLevel,
        driver.ServerVersionIncompatibleException,
    ),
    base=(driver.MilvusException, grpc.RpcError, grpc.FutureTimeoutError, grpc.FutureCancelledError),
    refine=_refine,
    refused=(driver.ConnectionConfigException,),
    refuses=_refuses,
)
"""pymilvus's exceptions, and those of the gRPC below it."""
