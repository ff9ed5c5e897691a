"""ETag and If-Match: a change names the version that it was made for."""

from hashlib import sha256

from django.http import HttpRequest
from pydantic import BaseModel

from ogniwo.interfaces.api.problems import VersionDiffersError, VersionMissingError


def etag_of(value: BaseModel | bytes | str) -> str:
    """The strong ETag of an answer."""
    data = value.model_dump_json().encode() if isinstance(value, BaseModel) else value
    raw = data.encode() if isinstance(data, str) else data
    return f'"{sha256(raw).hexdigest()[:32]}"'


def require_match(request: HttpRequest, etag: str) -> None:
    """Refuse a change that names no version, or another than the one there is."""
    said = request.headers.get("If-Match", "")
    if not said:
        raise VersionMissingError(detail="send If-Match with the ETag of what was read")
    if etag not in {one.strip() for one in said.split(",")}:
        raise VersionDiffersError(detail=f"it is {etag} now; read it again")


def unchanged(request: HttpRequest, etag: str) -> bool:
    """Whether the caller has this version already."""
    said = request.headers.get("If-None-Match", "")
    return etag in {one.strip().removeprefix("W/") for one in said.split(",")} or said.strip() == "*"
