"""The REST API at /api/v1: operations of programs, each with the act and the scope it needs in one table."""
