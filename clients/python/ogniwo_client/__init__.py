"""A typed client of the Ogniwo API."""

from ogniwo_client.client import Client
from ogniwo_client.transport import ApiProblem, UnreachableError, Versioned

__all__ = ["ApiProblem", "Client", "UnreachableError", "Versioned"]
