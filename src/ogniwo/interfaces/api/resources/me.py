"""Who the caller is, as the API knows him."""

from ninja import Schema

from ogniwo.interfaces.api.limits import CALLERS
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.services.access.roles import ALLOWED


class StandingOut(Schema):
    """A role in an organisation and everything below it, with the acts it allows; a member has his number."""

    organisation: str
    name: str
    role: str
    member: str
    acts: list[str]


class MeOut(Schema):
    """Who asks: a person, or a program by its key; `scopes` is null for a person."""

    kind: str
    name: str
    scopes: list[str] | None
    standings: list[StandingOut]
    requests_per_minute: int


@operation("GET", "/me", answer=MeOut)
def get_me(request: ApiRequest) -> MeOut:
    """Who the caller is, what he may do where, and how often."""
    caller = request.caller
    return MeOut(
        kind="person" if caller.scopes is None else "key",
        name=caller.viewer.login,
        scopes=None if caller.scopes is None else sorted(caller.scopes),
        standings=[
            StandingOut(
                organisation=each.code,
                name=each.name,
                role=each.role.value,
                member=each.member_number,
                acts=sorted(ALLOWED[each.role]),
            )
            for each in caller.viewer.standings
        ],
        requests_per_minute=CALLERS.limit.per_minute,
    )
