"""A member sends a photo with his reading; his partner sees the picture, nobody sees where it was taken."""

import io
import json
import zipfile
from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import reverse

from browsing import browse, serving
from keyed_phone import subject_of
from ogniwo.formats.photos.read import read_photo
from ogniwo.interfaces.web.wallet import meters
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.messages.models import DeclaredReading, ReadingPhoto
from ogniwo.records.metering.models import RegisterState
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.metering import photos as kept_photos
from ogniwo.services.metering.declaring import declared_readings, own_meters
from ogniwo.services.wallet.export import export_member
from photos import JPEG, PNG, SECRET, from_a_camera


@pytest.fixture
def site(copy_of):
    return copy_of("posted")


@pytest.fixture
def state(site):
    assert site is not None
    return RegisterState.objects.filter(obis="1-1:1.8.0*255").order_by("-epoch_s", "pk").first()


@pytest.fixture
def member(site, state, sign_in):
    return owned(site, sign_in, state.point.member.number)


def owned(workspace, sign_in, number):
    client = sign_in(workspace, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=number))
    client.number = number
    return client


def wallet(name, client, **more):
    return reverse(name, kwargs={"code": COMMUNITY_CODE, "number": client.number} | more)


def console(name, **more):
    return reverse(name, kwargs={"code": COMMUNITY_CODE} | more)


def sent(client, state, photo, *, more=1, **changed):
    """What the form answers; the reading lies in the band where there is one."""
    (found,) = (one for one in own_meters(meters.workspace(), subject=subject_of(client.number)) if one.code)
    register = next(one for one in found.registers if one.obis == state.obis)
    value_e3 = (register.band.expected_e3 if register.band else state.value_e3) + more
    form = {
        "point": state.point.code,
        "obis": state.obis,
        "value": f"{value_e3 // 1000}.{value_e3 % 1000:03}",
        "at": "2026-11-06T09:00",
    }
    if photo is not None:
        form["photo"] = SimpleUploadedFile("licznik.jpg", photo, content_type="text/html")
    return client.post(wallet("wallet_meters", client), form | changed)


def test_the_partner_sees_the_picture_and_not_where_it_was_taken(site, member, state, sign_in):
    camera = from_a_camera(JPEG)
    assert sent(member, state, camera).status_code == HTTPStatus.FOUND
    (reading,) = declared_readings(subject=subject_of(member.number))
    assert reading.photo == "jpeg"
    row = ReadingPhoto.objects.get(reading_id=reading.reading_id)
    assert SECRET not in bytes(row.data)
    assert AuditEvent.objects.get(action="reading.declare").facts["photo"] == row.sha256
    partner = sign_in(site, Role.CLERK)
    place = console("reading_photo", reading_id=reading.reading_id)
    assert place in partner.get(console("declared_readings")).content.decode()
    for browser, address in (
        (partner, place),
        (member, wallet("wallet_meters_photo", member, reading_id=reading.reading_id)),
    ):
        answer = browser.get(address)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.content == bytes(row.data)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    neighbour = owned(site, sign_in, "SE-033" if member.number != "SE-033" else "SE-034")
    away = wallet("wallet_meters_photo", neighbour, reading_id=reading.reading_id)
    assert neighbour.get(away).status_code == HTTPStatus.NOT_FOUND
    elsewhere = sign_in(site, Role.CLERK, "inna")
    there = reverse("reading_photo", kwargs={"code": "inna", "reading_id": reading.reading_id})
    assert elsewhere.get(there).status_code == HTTPStatus.NOT_FOUND
    archive = zipfile.ZipFile(io.BytesIO(export_member(site, subject=subject_of(member.number), by="x")))
    assert archive.read(f"photos/reading-{reading.reading_id}.jpeg") == bytes(row.data)
    assert json.loads(archive.read("declared-readings.json"))[0]["photo"] == "jpeg"


def test_what_is_no_photo_keeps_nothing_and_says_so(member, state, monkeypatch):
    for bad in (b"<script>alert(1)</script>", JPEG[:100], b""):
        answer = sent(member, state, bad)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "send a JPEG, PNG or WebP photo" in answer.content.decode()
    monkeypatch.setattr(meters, "BYTES_MAX", len(JPEG) - 1)
    assert sent(member, state, JPEG).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not DeclaredReading.objects.exists()
    assert not ReadingPhoto.objects.exists()


def test_a_photo_is_kept_once_and_may_come_later(member, state):
    assert sent(member, state, None).status_code == HTTPStatus.FOUND
    assert not ReadingPhoto.objects.exists()
    for photo in (PNG, JPEG):
        assert sent(member, state, photo).status_code == HTTPStatus.FOUND
    assert ReadingPhoto.objects.get().kind == "png"
    assert DeclaredReading.objects.count() == 1


def test_photos_do_not_pile_up(member, state, monkeypatch):
    monkeypatch.setattr(kept_photos, "PHOTOS_WAITING_MAX", 1)
    assert sent(member, state, JPEG).status_code == HTTPStatus.FOUND
    answer = sent(member, state, JPEG, more=2)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "many photos of yours wait" in answer.content.decode()
    assert DeclaredReading.objects.count() == 1
    DeclaredReading.objects.update(state="refused")
    assert sent(member, state, JPEG, more=2).status_code == HTTPStatus.FOUND


_DRAWN = """async (kind) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#c00"; pen.fillRect(0, 0, 160, 200);
  pen.fillStyle = "#00c"; pen.fillRect(160, 0, 160, 100);
  const blob = await new Promise((done) => canvas.toBlob(done, kind, 0.9));
  return Array.from(new Uint8Array(await blob.arrayBuffer()));
}"""
_POINTS = """async ([kind, bytes]) => {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: kind }));
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const points = canvas.getContext("2d").getImageData(0, 0, bitmap.width, bitmap.height).data;
  let sum = 0;
  for (const [place, value] of points.entries()) sum = (sum * 31 + value + place) % 1000000007;
  return [bitmap.width, bitmap.height, sum];
}"""


def test_a_browser_draws_what_was_kept_point_for_point(site):
    """Chromium's own encoders make the photo, its decoders compare."""
    connections["default"].close()

    def work(browser):
        page = browser.new_page()
        page.goto(f"{base}/help/")
        found = {}
        for kind in ("image/jpeg", "image/png", "image/webp"):
            drawn = bytes(page.evaluate(_DRAWN, kind))
            camera = from_a_camera(drawn, 6) if kind == "image/jpeg" else drawn
            kept = read_photo(camera).data
            found[kind] = [page.evaluate(_POINTS, [kind, list(one)]) for one in (camera, kept)]
        return found

    with serving(site) as base:
        found = browse(work)
    for kind, (before, after) in found.items():
        assert before == after, kind
    assert found["image/jpeg"][0][:2] == [200, 320], "which way up it is was kept"
    assert found["image/webp"][0][:2] == [320, 200]
