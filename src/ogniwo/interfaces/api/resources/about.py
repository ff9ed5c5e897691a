"""What the API says of itself: its document, and what its codes mean."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from ninja import Schema

from ogniwo.interfaces.api.problems import NoSuchCodeError
from ogniwo.interfaces.api.registry import operation
from ogniwo.services.workspace.meanings import meaning_of


class Meaning(Schema):
    """What a code of a problem means, and where it is written down."""

    code: str
    meaning: str
    documentation: str


@operation("GET", "/openapi.json", open=True, files=("application/vnd.oai.openapi+json;version=3.1",))
def get_openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- the same for all
    """The OpenAPI 3.1 document of this API."""
    from ogniwo.interfaces.api.document import document_text  # noqa: PLC0415 -- it reads the finished table

    return HttpResponse(document_text(), content_type="application/vnd.oai.openapi+json;version=3.1")


@operation("GET", "/problems/{code}", answer=Meaning, open=True)
def get_problem(request: HttpRequest, code: str) -> Meaning:  # noqa: ARG001 -- the same for all
    """What the code of a problem means: the page its `type` points to."""
    meaning = meaning_of(code, get_language() or "en")
    if not meaning:
        raise NoSuchCodeError(detail="there is no such code")
    return Meaning(code=code, meaning=meaning, documentation=f"docs/codes.md#{code}")
