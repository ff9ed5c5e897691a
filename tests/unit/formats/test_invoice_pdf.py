"""The printed bill: text, letters, structure, flow over pages, and the same bytes everywhere."""

import hashlib
import io
import re
import subprocess
import sys
import threading
from datetime import date, timedelta
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pypdf
import pytest

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.billing.corrections import draft_correction
from ogniwo.core.billing.document import canonical_document, correction_document, invoice_digest
from ogniwo.core.billing.payment import transfer_text
from ogniwo.formats.invoice_pdf.chart import DayEnergy, MonthChart
from ogniwo.formats.invoice_pdf.render import UnprintableTextError, render_invoice_pdf
from ogniwo.formats.invoice_pdf.texts import UnknownLanguageError, all_texts

SAMPLES = Path(__file__).parent.parent / "core" / "billing" / "sample_invoices.py"


def load_samples():
    spec = spec_from_file_location("sample_invoices", SAMPLES)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


samples = load_samples()


def chart(*, pool=0, produced=0, missing=()):
    return MonthChart(
        days=tuple(
            DayEnergy(
                day=date(2026, 10, 1) + timedelta(days=index),
                community_wh=1_500 + index * 7_919 % 3_100,
                pool_wh=pool,
                grid_wh=5_200 + index * index * 313 % 5_400,
                produced_wh=produced,
                missing_slots=4 if index in missing else 0,
            )
            for index in range(31)
        )
    )


def render(invoice, *, language="pl", days=None, qr=True, **more):
    text = ""
    if qr and invoice.to_pay_grosz:
        text = transfer_text(
            account=invoice.header.account,
            amount_grosz=invoice.to_pay_grosz,
            name=invoice.header.seller.name,
            title=invoice.header.number,
        )
    return render_invoice_pdf(
        document=canonical_document(invoice),
        chart=days or chart(),
        qr_text=text,
        verification="Sprawdź w portfelu członka.",
        language=language,
        **more,
    )


def pages_of(pdf):
    """The text of each page with all spaces made plain and single."""
    return [
        re.sub(r"\s+", " ", page.extract_text().replace("\N{NO-BREAK SPACE}", " "))
        for page in pypdf.PdfReader(io.BytesIO(pdf)).pages
    ]


@pytest.fixture(scope="module")
def household_pdf():
    return render(samples.household())


def test_the_household_bill_has_two_pages_with_every_line_and_sum(household_pdf):
    invoice = samples.household()
    pages = pages_of(household_pdf)
    assert len(pages) == 2
    whole = " ".join(pages)
    for line in invoice.lines:
        net = f"{line.item.net_grosz // 100},{line.item.net_grosz % 100:02d}"
        assert re.search(rf"{line.number} {re.escape(line.item.label_pl)}.*?{net} 23 %", pages[0])
    gross = f"{invoice.gross_grosz // 100},{invoice.gross_grosz % 100:02d}"
    assert f"Do zapłaty {gross} zł" in pages[0]
    assert "trzysta dwadzieścia osiem złotych trzydzieści groszy" in whole
    assert "71 1020 5558 1111 0000 0000 1234" in whole
    assert "Strona 1 z 2" in pages[0]
    assert "Strona 2 z 2" in pages[1]


def test_polish_letters_come_out_as_letters(household_pdf):
    whole = " ".join(pages_of(household_pdf))
    for words in (
        "Spółdzielnia Energetyczna Źródło Wspólnej Łąki",
        "Łęgowo Górne",
        "ul. Żwirowa 7",
        "Pogotowie energetyczne",
    ):
        assert words in whole
    for letter in "ąćęłńóśźżŁŹŻ":
        assert letter in whole


def test_sections_stand_in_the_order_of_a_polish_bill(household_pdf):
    whole = " ".join(pages_of(household_pdf))
    places = [
        whole.index(word)
        for word in (
            "Faktura VAT",
            "Do zapłaty",
            "Miejsca poboru energii",
            "Rozliczenie",
            "Podsumowanie VAT",
            "Odczyty liczników",
            "Skąd pochodziła energia",
            "Jakość danych pomiarowych",
            "Porównanie z rokiem",
            "Jak liczymy",
            "Wersje i weryfikacja",
            "Prawa odbiorcy",
        )
    ]
    assert places == sorted(places)
    assert "10 312,912 (01.11.2026)" in whole
    assert "zdalny" in whole
    assert "341,750 kWh (o 3,44 % mniej)" in whole  # 11.750 / 341.750
    assert "Udział przedziałów szacowanych i zastępczych: 2,15 %" in whole  # 64 of 2980


def test_the_file_is_titled_tagged_archivable_and_accessible(household_pdf):
    reader = pypdf.PdfReader(io.BytesIO(household_pdf))
    root = reader.trailer["/Root"]
    assert reader.metadata.title == "Faktura VAT FV/2026/11/0001"
    assert root["/Lang"] == "pl"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/OutputIntents"]
    xmp = root["/Metadata"].get_data().decode()
    assert re.search(r"pdfaid:part>3<", xmp)
    assert re.search(r"pdfaid:conformance>A<", xmp)
    assert re.search(r"pdfuaid:part>1<", xmp)
    assert reader.metadata["/CreationDate"] == "D:20261106000000Z"


def test_pictures_have_words_and_tables_have_heads(household_pdf):
    kinds, words = [], []

    def walk(node):
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict) and "/S" in node:
            kinds.append(node["/S"])
            if "/Alt" in node:
                words.append(node["/Alt"])
            walk(node.get("/K", []))

    walk(pypdf.PdfReader(io.BytesIO(household_pdf)).trailer["/Root"]["/StructTreeRoot"]["/K"])
    assert "/H1" in kinds
    assert kinds.count("/H2") >= 8
    assert kinds.count("/TH") > 20
    assert any("Wykres słupkowy" in word and "Najwięcej pobrano dnia" in word for word in words)
    assert any("Kod QR przelewu" in word for word in words)


def test_the_data_document_travels_in_the_file_and_its_digest_is_printed(household_pdf):
    reader = pypdf.PdfReader(io.BytesIO(household_pdf))
    (content,) = reader.attachments["dokument.json"]
    assert content == canonical_bytes(canonical_document(samples.household()))
    digest = hashlib.sha256(content).hexdigest()
    assert digest == invoice_digest(samples.household())
    assert digest in " ".join(pages_of(household_pdf))


def test_a_structured_invoice_is_attached_byte_for_byte():
    xml = '<?xml version="1.0" encoding="UTF-8"?>\n<Faktura>Żółć</Faktura>\n'.encode()
    reader = pypdf.PdfReader(io.BytesIO(render(samples.household(), structured_xml=xml)))
    assert reader.attachments["faktura.xml"] == [xml]


def test_only_fonts_of_the_typesetter_are_embedded(household_pdf):
    fonts = {
        font["/BaseFont"].partition("+")[2]
        for page in pypdf.PdfReader(io.BytesIO(household_pdf)).pages
        for font in (entry.get_object() for entry in page["/Resources"]["/Font"].values())
    }
    assert fonts
    assert all(name.startswith("LibertinusSerif") for name in fonts)


def test_the_same_bill_has_the_same_bytes_again_in_threads_and_in_another_process(household_pdf):
    digests = []

    def again():
        digests.append(hashlib.sha256(render(samples.household())).hexdigest())

    threads = [threading.Thread(target=again) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    render(samples.school())
    again()
    program = (
        "import hashlib, sys, importlib.util as u\n"
        f"s = u.spec_from_file_location('t', {str(Path(__file__))!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        "print(hashlib.sha256(m.render(m.samples.household())).hexdigest())\n"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {*digests, other.stdout.strip()} == {hashlib.sha256(household_pdf).hexdigest()}


def test_missing_data_is_a_state_with_its_consequence():
    whole = " ".join(pages_of(render(samples.school(), days=chart(missing=(4,)))))
    assert "Brakuje danych dla 12 przedziałów (0,40 %)" in whole
    assert "Brak danych nie jest zerem" in whole
    assert "brak danych 12 0,40 % –" in whole
    assert "05.10 (braki)" in whole
    assert "dzień z brakiem danych" in whole
    assert "roku poprzedniego nie są dostępne" in whole


def test_the_school_bill_shows_groups_shares_balance_and_a_hint_for_the_code():
    pages = pages_of(render(samples.school()))
    assert len(pages) == 2
    assert re.search(r"godzinach wybranych grupa K1, × 0,17 1 204,000 kWh 0,2194 44,91 23 %", pages[0])
    assert "× 14/31, 01.10.2026–14.10.2026 60,000 kW/m-c 24,84 673,08" in pages[0]
    assert "Zaległość z poprzednich rozliczeń 1 250,50 zł" in pages[0]
    assert "Do zapłaty 15 522,15 zł" in pages[0]
    assert "Kwotę wpisz ręcznie" in pages[0]
    assert "niesprawdzone" in pages[1]


def test_credits_deposit_and_overpayment_are_shown():
    whole = " ".join(pages_of(render(samples.prosumer(net_credits=True), days=chart(pool=120, produced=9_000))))
    assert "Nic do zapłaty 0,00 zł" in whole
    assert "Wykorzystany depozyt prosumencki \N{MINUS SIGN}55,00 zł" in whole
    assert "Nadpłata do rozliczenia 40,68 zł" in whole
    assert "Należności dla Ciebie za energię oddaną" in whole
    assert "Razem dla Ciebie 168,90 zł" in whole
    assert "zrodlo/2026-10/statement/0027" in whole
    assert "Zeskanuj" not in whole


def test_long_bills_flow_over_pages_with_repeated_heads():
    pages = pages_of(render(samples.long_invoice()))
    assert len(pages) >= 3
    for page in pages[:3]:
        assert "Lp. Nazwa Ilość J.m. Cena netto Netto VAT" in page
    whole = " ".join(pages)
    assert all(f"5903106000000{number:05d}" in whole for number in range(6))
    assert "72 Opłata kogeneracyjna" in whole
    assert f"Strona {len(pages)} z {len(pages)}" in pages[-1]


def test_the_english_bill_has_no_polish_words_of_ours():
    pdf = render(samples.school(), language="en", days=chart(missing=(4,), produced=1))
    whole = " ".join(pages_of(pdf))
    for words in ("VAT invoice", "To pay 15 522.15 zł", "Missing is not zero", "group K1, × 0.17", "Page 1 of"):
        assert words in whole
    own = {
        text
        for key, text in all_texts()["pl"].items()
        if len(text) > 12 and "{" not in text and text not in all_texts()["en"].values()
    }
    assert [text for text in own if text in whole] == []
    assert pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Lang"] == "en"


def test_a_correction_shows_old_new_and_difference():
    correction = draft_correction(
        before=samples.household(),
        statements=[samples.household_statement(version=2, peak=76_000)],
        header=samples.header("FK/2026/12/0001"),
        reason="Korekta odczytu przekazana przez operatora",
        corrected_ksef_number="5260001246-20261106-0100001AF629-AF",
    )
    pdf = render_invoice_pdf(document=correction_document(correction), chart=None, qr_text="", verification="")
    whole = " ".join(pages_of(pdf))
    assert "Faktura korygująca" in whole
    assert "FV/2026/11/0001 z dnia 06.11.2026" in whole
    assert "5260001246-20261106-0100001AF629-AF" in whole
    assert (
        "było 82,345 kWh 0,6568 54,08 23 % jest 76,000 kWh 0,6568 49,92 23 % Różnica netto \N{MINUS SIGN}4,16" in whole
    )
    assert (
        f"Do zwrotu {-correction.gross_difference_grosz // 100},{-correction.gross_difference_grosz % 100:02d} zł"
        in whole
    )


def test_texts_of_names_are_printed_and_never_run():
    document = canonical_document(samples.household())
    document["buyer"]["name"] = '#panic() *a* `b` $x$ <c> \\ "d" [e]'
    pdf = render_invoice_pdf(document=document, chart=None, qr_text="", verification="")
    assert '#panic() *a* `b` $x$ <c> \\ "d" [e]' in " ".join(pages_of(pdf))


def test_a_letter_the_font_lacks_is_refused_by_name():
    document = canonical_document(samples.household())
    document["buyer"]["name"] = "陳"
    with pytest.raises(UnprintableTextError, match="陳"):
        render_invoice_pdf(document=document, chart=None, qr_text="", verification="")


def test_codes_of_a_structured_invoice_are_printed_with_their_captions():
    codes = (
        ("5260001246-20261106-0100001AF629-AF", "https://qr.example/invoice/1"),
        ("CERTYFIKAT", "https://qr.example/2"),
    )
    whole = " ".join(pages_of(render(samples.household(), ksef_codes=codes)))
    assert "5260001246-20261106-0100001AF629-AF CERTYFIKAT" in whole


def test_an_unknown_language_is_refused():
    with pytest.raises(UnknownLanguageError):
        render(samples.household(), language="de")


def test_both_languages_have_the_same_words_and_places_to_fill():
    polish, english = all_texts()["pl"], all_texts()["en"]
    assert polish.keys() == english.keys()
    for key, text in polish.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english[key])), key


def test_every_word_is_used_somewhere():
    template = files("ogniwo.data").joinpath("invoice/invoice.typ").read_text(encoding="utf-8")
    package = files("ogniwo.formats.invoice_pdf")
    code = "".join(entry.read_text(encoding="utf-8") for entry in package.iterdir() if entry.name.endswith(".py"))
    composed = ("title_", "category_", "legend_", "day_", "origin_", "quality_", "confidence_")
    unused = [
        key
        for key in all_texts()["pl"]
        if f"words.{key}" not in template and f'"{key}"' not in code and not key.startswith(composed)
    ]
    assert unused == []
