"""The stores the conformance suite runs on: a class each, and one line here."""

from __future__ import annotations

from tests.conformance.contract import StoreUnderTest
from tests.conformance.stores.milvus import MilvusUnderTest
from tests.conformance.stores.mongodb import MongoDBUnderTest
from tests.conformance.stores.neo4j import Neo4jUnderTest
from tests.conformance.stores.sqlite import SQLiteUnderTest

STORES: list[type[StoreUnderTest]] = [MongoDBUnderTest, Neo4jUnderTest, MilvusUnderTest, SQLiteUnderTest]
