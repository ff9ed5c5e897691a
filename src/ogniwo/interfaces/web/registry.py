"""The list of all pages with the act each needs; addresses are made from it, and a test walks all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.crypto import salted_hmac

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web import context
from ogniwo.interfaces.web.context import viewer
from ogniwo.interfaces.web.sign_in import require_recent_sign_in
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import NotAllowedError, OutOfSightError, Standing, place_of, wallet_of


@dataclass(frozen=True, slots=True)
class Page:
    """One address: its route, its name, the act it needs (None: everybody), whether it lies in an organisation.

    A page `in_wallet` lies in one member's wallet: he alone does what it does, who helps only looks.
    `fresh`: before it changes anything, whoever signed in a while ago shows again that it is he.
    """

    route: str
    name: str
    act: Act | None
    in_organisation: bool
    view: Callable[..., HttpResponse]
    methods: tuple[str, ...]
    in_wallet: bool = False
    fresh: bool = False


PAGES: Final[list[Page]] = []
_IN_ORGANISATION: Final = "o/<slug:code>/"
_IN_WALLET: Final = "w/<slug:code>/<str:number>/"
LOOKS_AS: Final = "looks_as"
"""Where the web session keeps whose wallet (CODE/NUMBER) somebody who may help looks at."""
LOOKS_UNTIL: Final = "looks_until"
"""Where it keeps until when (epoch seconds)."""

View = Callable[..., HttpResponse]


def page(
    route: str, *, name: str, act: Act, methods: tuple[str, ...] = ("GET",), fresh: bool = False
) -> Callable[[View], View]:
    """Register a page of an organisation: `view(request, standing, code=...)`, after the act was allowed there.

    Its address begins with `o/CODE/`. Out of sight is 404 and forbidden is 403, whatever the page would do; a refusal
    of a service becomes a page that says what and why. A page that is `fresh` asks who it is before a risky act.
    """
    return _registered(_IN_ORGANISATION + route, name=name, act=act, in_organisation=True, methods=methods, fresh=fresh)


def wallet_page(route: str, *, name: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Register a page of a member's wallet: `view(request, standing, code=..., number=...)`.

    Its address begins with `w/CODE/NUMBER/`. The member's standing is given to the member, and to who looks as him
    (`LOOKS_AS`, with the act ACT_AS_MEMBER) for reading only.
    """
    return _registered(
        _IN_WALLET + route, name=name, act=Act.OWN_WALLET, in_organisation=True, methods=methods, in_wallet=True
    )


def own_page(route: str, *, name: str, act: Act, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Register a page that lies in no organisation: it needs the act anywhere."""
    return _registered(route, name=name, act=act, in_organisation=False, methods=methods)


def open_page(route: str, *, name: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Register a page for everybody: `view(request, None, **kwargs)`."""
    return _registered(route, name=name, act=None, in_organisation=False, methods=methods)


def _registered(
    route: str,
    *,
    name: str,
    act: Act | None,
    in_organisation: bool,
    methods: tuple[str, ...],
    in_wallet: bool = False,
    fresh: bool = False,
) -> Callable[[View], View]:
    def register(view: View) -> View:
        PAGES.append(Page(route, name, act, in_organisation, view, methods, in_wallet, fresh))
        return view

    return register


def url_patterns() -> list[URLPattern]:
    """The addresses of all registered pages."""
    return [path(each.route, _guarded(each), name=each.name) for each in PAGES]


def _guarded(each: Page) -> View:
    @wraps(each.view)
    def answer(request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.method not in (*each.methods, "HEAD"):
            return render(request, "web/refused.html", {"refusal": "web.method"}, status=HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            standing = _standing(request, each, str(kwargs.get("code", "")), str(kwargs.get("number", "")))
            if isinstance(standing, HttpResponse):
                return standing
            if each.fresh and request.method == "POST":
                require_recent_sign_in(request)
            return _owned(request, each, standing, each.view(request, standing, **kwargs))
        except OutOfSightError as refusal:
            return refused(request, refusal, status=HTTPStatus.NOT_FOUND)
        except NotAllowedError as refusal:
            return refused(request, refusal, status=HTTPStatus.FORBIDDEN)
        except Refusal as refusal:
            return refused(request, refusal, status=HTTPStatus.CONFLICT)

    return answer


def _owned(request: HttpRequest, each: Page, standing: Standing | None, answer: HttpResponse) -> HttpResponse:
    """Tell the wallet's worker whose page this is: it keeps a member's own pages only, and only for himself."""
    own = each.in_wallet and standing in viewer(request).standings
    if own and request.method == "GET" and answer.headers.get("Content-Type", "").startswith("text/html"):
        answer.headers["X-Wallet-Owner"] = salted_hmac("wallet owner", str(request.user.pk)).hexdigest()[:32]
    return answer


def _standing(request: HttpRequest, each: Page, code: str, number: str) -> Standing | HttpResponse | None:
    if each.act is None:
        return None
    who = viewer(request)
    if not who.user_id:
        return redirect_to_login(request.get_full_path())
    if not each.in_organisation:
        return who.at(each.act)
    place = place_of(code)
    if place is None:
        raise OutOfSightError(detail="there is nothing here")
    if not each.in_wallet:
        return who.at(each.act, path=place)
    lasts = int(request.session.get(LOOKS_UNTIL, 0)) > context.workspace().now().timestamp()
    looks = request.method in {"GET", "HEAD"} and lasts and request.session.get(LOOKS_AS) == f"{code}/{number}"
    return wallet_of(who, place=place, number=number, looks=looks)


def refused(request: HttpRequest, refusal: Refusal, *, status: int) -> HttpResponse:
    """A page that says what was refused and why."""
    return render(request, "web/refused.html", {"refusal": refusal.code, "detail": refusal.detail}, status=status)
