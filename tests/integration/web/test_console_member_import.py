"""Members from a file: what each row would do is seen before anything is saved, and exactly that is saved."""

import csv
import io
import re
import struct
import zipfile
from datetime import date

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint, MeterInstallation
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.parties.sheet import COLUMNS, ROWS_MAX, TableRefusedError, read_sheet

OLD = POINTS[0]
BODY = "59099977260000900"
NEW_POINT = BODY + str(gs1_check_digit(BODY))
UPLOAD = reverse("member_import", kwargs={"code": COMMUNITY_CODE})
HEAD = (
    "numer;nazwa;PPE;rola punktu;licznik;licznik od;operator sieci;grupa taryfowa;oferta sprzedawcy;umowa od;"
    "w społeczności od;klucz podziału"
)
NEW = f"SE-900;Dom 900;{NEW_POINT};prosument;90099900;01.11.2026;enea;G11;enea;01.11.2026;01.11.2026;3"


def sent(browser, data, name="members.csv"):
    if isinstance(data, str):
        data = data.encode("cp1250")
    return browser.post(UPLOAD, {"file": SimpleUploadedFile(name, data)})


def shown(browser, data, name="members.csv"):
    answer = sent(browser, data, name)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return answer.headers["location"], browser.get(answer.headers["location"]).content.decode()


def confirmed(browser, address, page, do="all"):
    digest = re.search(r'name="digest" value="(\w+)"', page)[1]
    return browser.post(address, {"digest": digest, "do": do})


def counts_in(page):
    return [int(n) for n in re.findall(r"<strong>(\d+)</strong></a></li>", page)]


def xlsx(*rows):
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
    return sink.getvalue()


def test_what_was_seen_is_saved_and_nothing_before(site, browser_of):
    clerk = browser_of(Role.CLERK)
    before = Member.objects.count()
    text = f"{HEAD}\n{NEW}\n{OLD.member_number};Inna nazwa;;;;;;;;;;\n{POINTS[1].member_number};;;;;;;;;;;\n"
    address, page = shown(clerk, text)
    assert counts_in(page) == [1, 1, 1, 0]
    assert "<del>" in page
    assert "Inna nazwa" in page
    assert Member.objects.count() == before
    assert not AuditEvent.objects.filter(action__startswith="members.").exists()
    assert confirmed(clerk, address, page).status_code == 302
    point = MeteringPoint.objects.get(code=NEW_POINT)
    assert (point.member.number, point.role) == ("SE-900", "prosumer")
    assert MeterInstallation.objects.get(point=point).meter.serial == "90099900"
    assert SupplyContractRecord.objects.get(point=point).group == "G11"
    part = Membership.objects.get(point=point)
    assert (part.valid_from, part.share_key) == (date(2026, 11, 1), 3)
    acts = {(one.action, one.target): one.facts for one in AuditEvent.objects.filter(action__startswith="members.")}
    assert acts["members.import", COMMUNITY_CODE]["changed"] == 1
    renamed = acts["members.change", OLD.member_number]
    key = f"member {OLD.member_number}: name"
    assert renamed["after"] == {key: "Inna nazwa"}
    assert renamed["before"][key] not in {"", "Inna nazwa"}
    assert clerk.get(address).status_code == 404, "a file that was saved is forgotten"
    assert counts_in(shown(clerk, text)[1]) == [0, 0, 3, 0], "the same file again changes nothing"


def test_a_refused_row_stops_all_unless_left_out_and_comes_back_with_its_reason(site, browser_of):
    clerk = browser_of(Role.CLERK)
    broken = f"SE-901;Dom 901;{NEW_POINT[:-1]}{(int(NEW_POINT[-1]) + 1) % 10};prosument;;;;;;;;"
    address, page = shown(clerk, f"{HEAD}\n{NEW}\n{broken}\n;Bez numeru;;;;;;;;;;\n=1+1;Dom;;;;;;;;;;\n")
    assert counts_in(page) == [2, 0, 0, 2]
    assert "point.bad_code" in page
    assert "members.missing" in page
    assert confirmed(clerk, address, page).status_code == 409
    assert not Member.objects.filter(number="SE-900").exists()
    errors = clerk.get(f"{address}errors/csv/", headers={"accept-language": "pl"})
    rows = list(csv.reader(io.StringIO(errors.content.decode("utf-8-sig"))))
    assert rows[0][-1] == "powód"
    assert [row[0] for row in rows[1:]] == ["SE-901", ""]
    assert "Numer punktu (PPE) nie ma poprawnej cyfry kontrolnej. " in rows[1][-1]
    assert "18 digits" in rows[1][-1]
    assert "poprawnej" not in clerk.get(f"{address}errors/csv/").content.decode("utf-8-sig")
    polish = clerk.get(address, headers={"accept-language": "pl"}).content.decode()
    assert "Numer punktu (PPE) nie ma poprawnej cyfry kontrolnej.<br>" in polish
    assert confirmed(clerk, address, page, do="leave").status_code == 302
    assert set(Member.objects.filter(number__in=["SE-900", "SE-901", "=1+1"]).values_list("number", flat=True)) == {
        "SE-900",
        "=1+1",
    }
    mended = errors.content.decode("utf-8-sig").replace(rows[1][7], "", 1).replace("prosument", "", 1)
    assert counts_in(shown(clerk, mended.encode())[1]) == [1, 0, 0, 1]


def test_dated_facts_end_and_begin_and_are_not_overwritten(site, browser_of):
    clerk = browser_of(Role.CLERK)
    code, number = OLD.code, OLD.member_number
    head = "number,point,tariff,contract_from,share_key,member_from\n"
    page = shown(clerk, f"{head}{number},{code},G12,,9,\n")[1]
    assert counts_in(page) == [0, 0, 0, 1]
    assert "members.date_needed" in page
    text = f"{head}{number},{code},G12,2026-12-01,9,2026-12-01\n"
    address, page = shown(clerk, text)
    assert counts_in(page) == [0, 1, 0, 0]
    old_group = SupplyContractRecord.objects.get(point__code=code).group
    assert confirmed(clerk, address, page).status_code == 302
    contracts = SupplyContractRecord.objects.filter(point__code=code).order_by("valid_from")
    assert [(one.group, one.valid_to) for one in contracts] == [(old_group, date(2026, 12, 1)), ("G12", None)]
    assert contracts[1].terms["offer"] == contracts[0].terms["offer"], "terms that the row does not name stay"
    parts = Membership.objects.filter(point__code=code).order_by("valid_from")
    assert [(one.share_key == 9, one.valid_to) for one in parts] == [(False, date(2026, 12, 1)), (True, None)]
    assert counts_in(shown(clerk, text)[1]) == [0, 0, 1, 0]


def test_what_changed_since_it_was_seen_is_not_saved(site, browser_of):
    clerk = browser_of(Role.CLERK)
    address, page = shown(clerk, f"{HEAD}\n{OLD.member_number};Nazwa z pliku;;;;;;;;;;\n")
    Member.objects.filter(number=OLD.member_number).update(name="Nazwa z ekranu")
    assert confirmed(clerk, address, page).status_code == 409
    assert Member.objects.get(number=OLD.member_number).name == "Nazwa z ekranu"
    again = clerk.get(address).content.decode()
    assert "Nazwa z ekranu" in again
    assert confirmed(clerk, address, again).status_code == 302


def test_a_preview_belongs_to_its_organisation(site, browser_of):
    address, _page = shown(browser_of(Role.CLERK), f"{HEAD}\n{NEW}\n")
    elsewhere = address.replace(COMMUNITY_CODE, "inna")
    assert browser_of(Role.CLERK, "inna").get(elsewhere).status_code == 404
    assert browser_of(Role.AUDITOR).get(address).status_code == 403


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_template_can_be_sent_back(site, browser_of, form, language):
    clerk = browser_of(Role.CLERK, language=language)
    file = clerk.get(reverse("member_template", kwargs={"code": COMMUNITY_CODE, "form": form}))
    assert f"members.{form}" in file.headers["content-disposition"]
    sheet = read_sheet(file.content, file_name="x")
    assert sheet.rows[0].cells["number"] == "SE-101"
    page = shown(clerk, file.content, f"members.{form}")[1]
    assert sum(counts_in(page)) == 1


def test_a_spreadsheet_is_read_and_a_number_that_lost_digits_is_not_believed(site, browser_of):
    clerk = browser_of(Role.CLERK)
    data = xlsx(["number", "name", "point", "role"], ["SE-910", "Dom 910", int(NEW_POINT), "consumer"], [911, "Dom"])
    page = shown(clerk, data, "members.xlsx")[1]
    assert counts_in(page) == [1, 0, 0, 1]
    assert "lost its last digits" in page


def bomb(megabytes):
    """An XLSX whose sheet is one cell of zeros: a few kilobytes that unpack to megabytes."""
    good = zipfile.ZipFile(io.BytesIO(xlsx(["number"], ["x"])))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in good.namelist():
            data = good.read(name)
            if "sheet1.xml" in name:
                data = data.replace(b"</sheetData>", b"<!--" + b"0" * (megabytes << 20) + b"--></sheetData>")
            packed.writestr(name, data)
    return sink.getvalue()


def lying(data):
    """The same with the head of every part saying that it is small."""
    changed = bytearray(data)
    place = 0
    while (place := data.find(b"PK\x01\x02", place)) >= 0:
        if struct.unpack_from("<L", data, place + 24)[0] > 1_000_000:
            struct.pack_into("<L", changed, place + 24, 2000)
        place += 4
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bomb(40), "300 times its size"),
        (bomb(300), "unpacks to more than"),
        (lying(bomb(40)), "broken"),
        (xlsx(["number"], *([""] * 40 + ["x"] for _ in range(1)))[:500], "broken"),
        (b"number\n" + b"A\n" * (ROWS_MAX + 2), "rows"),
        (b"number,colour\nA,red\n", "colour"),
        (b"number,number\nA,B\n", "two columns"),
        (b"name\nA\n", "no column"),
        (b"number\n", "no rows"),
        (b"", "no rows"),
        (b"x" * 5_000_001, "5 MB"),
    ],
    ids=["ratio", "size", "lying", "cut", "rows", "heading", "twice", "without", "empty", "nothing", "large"],
)
def test_a_file_that_is_no_table_of_members_is_refused_whole(site, browser_of, data, said):
    answer = sent(browser_of(Role.CLERK), data, "members.xlsx")
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not list((site.root / "previews").iterdir()) if (site.root / "previews").exists() else True


def test_one_far_cell_does_not_take_the_memory():
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "number")
        sheet.write(1_000_000, 16_000, "x")
    with pytest.raises(TableRefusedError, match="cells"):
        read_sheet(sink.getvalue(), file_name="far.xlsx")


def test_the_columns_are_the_documented_ones():
    assert len({one.key for one in COLUMNS}) == len({one.polish.casefold() for one in COLUMNS}) == len(COLUMNS)
