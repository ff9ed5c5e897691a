"""What makes the wallet installable and readable offline: manifest, icons, worker, the first steps of a new member."""

import json
import struct
import zlib
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.registry import open_page, wallet_page
from ogniwo.interfaces.web.wallet.answers import facts_of, shared_texts, view_of
from ogniwo.services.access.viewers import Standing

SIZES: Final = (192, 512)
_GREEN: Final = (0x0B, 0x6B, 0x3A)
_WHITE: Final = (255, 255, 255)
_STEPS: Final = 4


@open_page("w/manifest.webmanifest", name="wallet_manifest")
def manifest(request: HttpRequest, standing: None) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """The web app manifest in the language of whoever asks."""
    found = {
        "name": _("Ogniwo – your energy wallet"),
        "short_name": "Ogniwo",
        "description": _("Energy, bills and tokens of a member of a local energy organisation."),
        "id": "/w/",
        "start_url": "/w/",
        "scope": "/w/",
        "display": "standalone",
        "lang": get_language() or "pl",
        "dir": "ltr",
        "background_color": "#ffffff",
        "theme_color": "#0b6b3a",
        "icons": [
            {
                "src": reverse("wallet_icon", kwargs={"size": size}),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for size in SIZES
            for purpose in ("any", "maskable")
        ],
    }
    return JsonResponse(found, content_type="application/manifest+json")


@open_page("wallet-icon/<int:size>/", name="wallet_icon")
def icon(request: HttpRequest, standing: None, *, size: int) -> HttpResponse:  # noqa: ARG001
    """The two rings as PNG, with the margin that a mask may cut off."""
    if size not in SIZES:
        return render(request, "web/refused.html", {"refusal": "access.not_found"}, status=HTTPStatus.NOT_FOUND)
    answer = HttpResponse(drawn_icon(size), content_type="image/png")
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


@cache
def drawn_icon(size: int) -> bytes:
    """White rings on green as an RGB PNG of `size` pixels; edges are smoothed by counting sub-pixels."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # the row is not filtered
        for x in range(size):
            share = _covered(x, y, size)
            rows += bytes(
                (dark * (_STEPS**2 - share) + light * share) // _STEPS**2
                for dark, light in zip(_GREEN, _WHITE, strict=True)
            )
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def _covered(x: int, y: int, size: int) -> int:
    """How many of the sub-pixels of a pixel lie on one of the rings, which fill three fifths of the width."""
    # In 1/_STEPS of a pixel; the drawing of icon.svg is 24 wide, its rings have the radius 6 and are 2.5 thick.
    unit = size * _STEPS * 3 // (5 * 20)
    middle, radius = size * _STEPS // 2, 6 * unit
    inner, outer = (radius - 5 * unit // 4) ** 2, (radius + 5 * unit // 4) ** 2
    left, right = middle - 3 * unit, middle + 3 * unit
    if abs(y * _STEPS - middle) > 8 * unit or abs(x * _STEPS - middle) > 11 * unit:
        return 0
    found = 0
    for step_y in range(_STEPS):
        down = (y * _STEPS + step_y - middle) ** 2
        for step_x in range(_STEPS):
            across = x * _STEPS + step_x
            found += inner <= (across - left) ** 2 + down <= outer or inner <= (across - right) ** 2 + down <= outer
    return found


@open_page("w/worker.js", name="wallet_worker")
def worker(request: HttpRequest, standing: None) -> HttpResponse:  # noqa: ARG001
    """The service worker of everything below /w/, with the version and the addresses of the files it keeps."""
    version, addresses = shell()
    head = (
        f"const VERSION = {json.dumps(version)};\nconst SHELL = {json.dumps(addresses)};\n"
        f"const OFFLINE = {json.dumps(reverse('wallet_offline'))};\n"
    )
    answer = HttpResponse(head + _found("wallet/worker.js").read_text("utf-8"), content_type="text/javascript")
    answer.headers["Service-Worker-Allowed"] = "/w/"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@cache
def shell() -> tuple[str, list[str]]:
    """The version (of the texts) and the addresses of all files that the wallet's pages load."""
    folder = _found("wallet/worker.js").parent
    names = [
        *("web/style.css", "web/wallet.css", "web/wallet_keys.css", "web/icon.svg"),
        *sorted(f"wallet/{path.relative_to(folder)}" for path in folder.rglob("*.js") if path.name != "worker.js"),
    ]
    digest = sha256()
    for name in (*names, "wallet/worker.js"):
        digest.update(name.encode() + b"\0" + _found(name).read_bytes())
    return digest.hexdigest()[:16], [static(name) for name in names]


def _found(name: str) -> Path:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path)


@open_page("w/offline/", name="wallet_offline")
def offline(request: HttpRequest, standing: None) -> HttpResponse:  # noqa: ARG001
    """What stands in for a page that this device has not seen yet."""
    return render(request, "web/wallet/offline.html", {})


@wallet_page("start/", name="wallet_start")
def start(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """The first steps: install, set the device up; what is done is ticked off, and one can go on later."""
    urls = {"devices": reverse("wallet_devices", kwargs={"code": code, "number": number})}
    seen = view_of(standing)
    context = {
        "facts": facts_of(request, standing, seen, code=code, urls=urls),
        "texts": {**shared_texts(), "done": _("done"), "open": _("to do"), "installed": _("It is installed.")},
        "urls": urls,
    }
    return render(request, "web/wallet/start.html", context)
