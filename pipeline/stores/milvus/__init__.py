"""Milvus: connection, error table and vector store. pymilvus is imported here and nowhere else."""
