"""Meters of gas, heat and water on the pages: registered, read, corrected, imported; a member sees only his own."""

import io
import json
import zipfile
from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from keyed_phone import subject_of
from media_meters import gas_meter
from ogniwo.records.access.models import Grant
from ogniwo.records.media.models import MediaMeter, MediaPhoto, MediaReading, MediaStateRow
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.wallet.export import export_member
from ogniwo.services.workspace.meanings import meaning_of
from photos import JPEG, SECRET, from_a_camera

OWN, OTHER = "SE-025", "SE-033"


def at(name, **values):
    return reverse(name, kwargs={"code": COMMUNITY_CODE} | values)


@pytest.fixture
def meter(site):
    return gas_meter(site, member=OWN)


def owned(sign_in, site, number, **more):
    client = sign_in(site, Role.MEMBER, **more)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=number))
    return client


def text(answer, status=HTTPStatus.OK):
    assert answer.status_code == status
    return answer.content.decode()


def test_a_meter_is_registered_and_read_by_form(site, browser_of):
    clerk = browser_of(Role.CLERK)
    assert "There are no meters of gas, heat or water yet." in text(clerk.get(at("media")))
    form = {"member": OWN, "what": "heat MWh", "serial": "C-7", "decimals": "1", "digits": "", "place": "hall"}
    wrong = text(clerk.post(at("media_new"), form), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "media.bad_state" in wrong
    assert 'value="hall"' in wrong, "what was typed stays"
    made = clerk.post(at("media_new"), form | {"installed_on": "2026-01-01"})
    place = at("media_meter", meter_id=MediaMeter.objects.get().pk)
    assert made.headers["location"] == place
    enter = at("media_state", meter_id=MediaMeter.objects.get().pk)
    for day, value in (("2026-01-01", "10"), ("2026-09-30", "14,5")):
        assert clerk.post(enter, {"day": day, "value": value}).headers["location"] == place
    refused = text(clerk.post(enter, {"day": "2026-10-31", "value": "13"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "media.backwards" in refused
    assert 'value="13"' in refused
    shown = text(clerk.get(place))
    assert "From the first to the last state 4.5 MWh were used." in shown
    assert "272" in shown.split('id="uses"')[1]
    listed = text(clerk.get(at("media"), {"medium": "heat", "q": "hall"}))
    assert "14.5 MWh" in listed
    assert "No meter fits" in text(clerk.get(at("media"), {"medium": "gas"}))


def test_what_is_not_known_is_no_zero_and_corrections_leave_both(meter, browser_of):
    shown = text(browser_of(Role.CLERK).get(at("media_meter", meter_id=meter)))
    assert "A part of the use is not known" in shown
    uses = shown.split('id="uses"')[1].split("</table>")[0]
    assert uses.count("use not known") == 1
    assert "201.750" in uses, "past zero: 100000 + 12.25 - 99810.5"
    assert "<s>1,200.000</s>" in shown
    assert "two digits swapped" in shown
    polish = text(browser_of(Role.CLERK, language="pl").get(at("media_meter", meter_id=meter)))
    assert "zużycie nieznane" in polish
    assert "liczydło przeszło przez zero" in polish
    assert "201,750" in polish


def test_a_state_is_corrected_or_taken_away_on_the_page(meter, browser_of):
    clerk, state = browser_of(Role.CLERK), MediaStateRow.objects.get(value_e3=1_300_000)
    place, form = at("media_correct", state_id=state.pk), {"meter": meter, "day": "2026-10-31", "kind": "reading"}
    no_reason = clerk.post(place, form | {"value": "1301"})
    assert b"media.no_reason" in no_reason.content
    assert no_reason.status_code == HTTPStatus.CONFLICT
    done = clerk.post(place, form | {"value": "1301", "reason": "last digit"})
    assert done.headers["location"] == at("media_meter", meter_id=meter)
    assert clerk.post(place, form | {"value": "1302", "reason": "once more"}).status_code == HTTPStatus.NOT_FOUND
    newest = MediaStateRow.objects.get(value_e3=1_301_000)
    clerk.post(at("media_correct", state_id=newest.pk), {"do": "take_away", "reason": "never read"})
    assert MediaStateRow.objects.filter(meter=meter, ended_at=None).order_by("-day").first().value_e3 == 11_000


def test_a_meter_is_replaced_and_removed_on_the_page(meter, browser_of):
    clerk = browser_of(Role.CLERK)
    form = {
        "final": "1310",
        "serial": "G-2",
        "decimals": "2",
        "digits": "6",
        "first": "0",
        "installed_on": "2026-11-02",
    }
    answer = clerk.post(at("media_replace", meter_id=meter), form)
    later = MediaMeter.objects.get(serial="G-2")
    assert answer.headers["location"] == at("media_meter", meter_id=later.pk)
    assert "replaced by G-2" in text(clerk.get(at("media_meter", meter_id=meter)))
    clerk.post(at("media_remove", meter_id=later.pk), {"day": "2026-11-05", "final": "3,25"})
    assert "removed <time>2026-11-05</time>" in text(clerk.get(at("media"), {"q": "G-2"}))


def test_a_file_of_states(meter, browser_of):
    clerk = browser_of(Role.CLERK)
    assert "No file" not in text(clerk.get(at("media_import")))
    bad = SimpleUploadedFile("bad.csv", b"a;b\n1;2\n")
    assert "bad.csv, row 1: unknown heading" in text(
        clerk.post(at("media_import"), {"file": bad}), HTTPStatus.UNPROCESSABLE_ENTITY
    )
    rows = b"serial;date;state\nG-1;2026-11-02;1310\nG-1;2026-11-03;5\n"
    sent = clerk.post(at("media_import"), {"file": SimpleUploadedFile("states.csv", rows)})
    preview = text(clerk.get(sent.headers["location"]))
    assert "Nothing is saved yet." in preview
    assert "media.backwards" in preview
    polish = text(browser_of(Role.CLERK, language="pl").get(sent.headers["location"]))
    assert f"{meaning_of('media.backwards', 'pl')}<br>" in polish, "first what it means, then the details"
    digest = preview.split('name="digest" value="')[1][:64]
    assert not MediaStateRow.objects.filter(source="file").exists()
    assert b"media.rows_refused" in clerk.post(sent.headers["location"], {"digest": digest, "do": "all"}).content
    clerk.post(sent.headers["location"], {"digest": digest, "do": "leave"})
    assert [(one.value_e3, one.file_row) for one in MediaStateRow.objects.filter(source="file")] == [(1_310_000, 2)]
    assert "states.csv" in text(clerk.get(at("media_meter", meter_id=meter)))
    assert clerk.get(sent.headers["location"]).status_code == HTTPStatus.NOT_FOUND
    template = clerk.get(at("media_template")).content
    sent = clerk.post(at("media_import"), {"file": SimpleUploadedFile("template.csv", template)})
    assert text(clerk.get(sent.headers["location"])).count("media.not_found") == 2, "its meters are not registered"


def test_an_auditor_only_reads(meter, browser_of):
    auditor = browser_of(Role.AUDITOR)
    for name, values in (("media", {}), ("media_meter", {"meter_id": meter}), ("media_readings", {})):
        page = text(auditor.get(at(name, **values))).split("<main")[1]
        assert 'method="post"' not in page, name
        assert at("media_new") not in page
    for name in ("media_state", "media_remove", "media_replace"):
        assert auditor.post(at(name, meter_id=meter), {}).status_code == HTTPStatus.FORBIDDEN


def test_a_member_sees_only_his_own_meters(site, meter, sign_in):
    other = gas_meter(site, member=OTHER, serial="W-1", medium="cold_water")
    mine = owned(sign_in, site, OWN)
    place = reverse("wallet_meters", kwargs={"code": COMMUNITY_CODE, "number": OWN})
    shown = text(mine.get(place))
    assert "G-1" in shown
    assert "W-1" not in shown
    assert "1,300.000 m³" in shown
    assert "entered by your partner" in shown
    assert "201.750" in shown
    declare = reverse("wallet_meters_media", kwargs={"code": COMMUNITY_CODE, "number": OWN, "meter_id": other})
    assert mine.post(declare, {"day": "2026-11-05", "value": "1320"}).status_code == HTTPStatus.NOT_FOUND
    polish = text(owned(sign_in, site, OWN, language="pl").get(place))
    assert "Gaz, cellar, left" in polish
    assert "wpisał partner" in polish
    assert MediaReading.objects.filter(meter=meter).count() == 1


def test_a_member_sends_a_reading_with_a_photo(site, meter, sign_in):
    mine, partner = owned(sign_in, site, OWN), sign_in(site, Role.CLERK)
    values = {"code": COMMUNITY_CODE, "number": OWN}
    declare = reverse("wallet_meters_media", kwargs=values | {"meter_id": meter})
    form = {"meter": str(meter), "day": "2026-11-06", "time": "08:15"}
    unlikely = text(mine.post(declare, form | {"value": "9000"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "I looked again: the counter says this" in unlikely
    assert 'value="9000"' in unlikely
    back = text(mine.post(declare, form | {"value": "1299"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "A counter never runs back" in back
    photo = SimpleUploadedFile("x.jpg", from_a_camera(JPEG))
    assert mine.post(declare, form | {"value": "1311", "photo": photo}).status_code == HTTPStatus.FOUND
    reading, row = MediaReading.objects.get(value_e3=1_311_000), MediaPhoto.objects.get()
    assert SECRET not in bytes(row.data)
    own_photo = reverse("wallet_meters_media_photo", kwargs=values | {"reading_id": reading.pk})
    partners_photo = at("media_reading_photo", reading_id=reading.pk)
    for browser, address in ((mine, own_photo), (partner, partners_photo)):
        assert browser.get(address).content == bytes(row.data)
    assert partners_photo in text(partner.get(at("media_readings")))
    neighbour = owned(sign_in, site, OTHER)
    away = reverse("wallet_meters_media_photo", kwargs=values | {"number": OTHER, "reading_id": reading.pk})
    assert neighbour.get(away).status_code == HTTPStatus.NOT_FOUND
    decide = at("decide_media_reading", reading_id=reading.pk)
    assert b"reading.decided" in partner.post(decide, {"decision": "refuse", "reason": ""}).content
    partner.post(decide, {"decision": "accept"})
    assert "your own reading" in text(mine.get(reverse("wallet_meters", kwargs=values)))
    archive = zipfile.ZipFile(io.BytesIO(export_member(site, subject=subject_of(OWN), by="x")))
    (kept,) = json.loads(archive.read("media-meters.json"))
    assert (kept["meter"]["serial"], kept["meter"]["last"]["value_e3"]) == ("G-1", 1_311_000)
    assert archive.read(f"photos/media-reading-{reading.pk}.jpeg") == bytes(row.data)
    assert "media.declare" in {one["action"] for one in json.loads(archive.read("log.json"))}
