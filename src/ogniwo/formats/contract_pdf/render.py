"""The terms of an e-contract as PDF/A-3a bytes with the terms attached: the same terms give the same bytes."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.contract_amounts import instalment_amount
from ogniwo.core.posting.contract_terms import (
    EnergySupply,
    EvCarLoan,
    EvChargingCredit,
    HourDiscount,
    Salted,
    StorageLease,
    Terms,
    template_of,
    terms_commitment,
)
from ogniwo.formats.typesetting import NoGlyphError, midnight, typeset


class UnprintableContractError(Refusal):
    """A name or clause of the contract holds a character that its font does not have."""

    code = "contract_pdf.unprintable_text"


@lru_cache(maxsize=1)
def all_contract_texts() -> Mapping[str, Mapping[str, str]]:
    """All words by language and key."""
    return tomllib.loads(files("ogniwo.data").joinpath("contract/texts.toml").read_text(encoding="utf-8"))


def render_contract_pdf(salted: Salted) -> bytes:
    """Draw the terms in their language; raises UnprintableContractError."""
    view = json.dumps(contract_words(salted), ensure_ascii=False, sort_keys=True)
    inputs = {"view": view, "terms": encode(salted).decode()}
    day = date.fromisoformat(salted.terms.concluded)
    try:
        return typeset("contract/contract.typ", inputs, timestamp=midnight(day))
    except NoGlyphError as error:
        raise UnprintableContractError(detail=f"the contract cannot be printed: {error}") from error


def contract_words(salted: Salted) -> dict[str, Any]:
    """The finished texts of the page, in the language of the terms: what the PDF says, for other pages to say too."""
    terms = salted.terms
    words = all_contract_texts()[terms.language]
    template = template_of(terms.parameters)
    mark = terms_commitment(salted)
    head = [(words["number"], mark[:16]), (words["concluded"], _printed(terms.concluded, terms.language))]
    if terms.replaces:
        head.append((words["replaces"], terms.replaces[:16]))
    return {
        "texts": words,
        "lang": words["lang"],
        "title": words[f"title_{template}"],
        "mark": mark[:16],
        "head": head,
        "parties": [
            {
                "role": words[f"role_{party.role}"] + (f" ({words['consumer']})" if party.consumer else ""),
                "name": party.name,
                "lines": [
                    line
                    for line in (party.address, f"{words['party_number']}: {party.number}" if party.number else "")
                    if line
                ],
                "account": party.account,
            }
            for party in terms.parties
        ],
        "subject": words[f"subject_{template}"],
        "facts": [*_facts(terms, words), *_who_pays(terms, words)],
        "amounts": [words[f"amount_{template}"], words["closing"]],
        "duration": _duration(terms, words),
        "clauses": list(terms.clauses),
        "commitment": mark,
    }


def _facts(terms: Terms, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The parameters of the template, each with its name."""
    match terms.parameters:
        case EnergySupply() as one:
            return [
                (words["point"], one.point_name),
                (words["channel"], one.channel),
                (words["price"], words["per_mwh"].format(amount=_money(terms, one.price, one.price_scale))),
            ]
        case HourDiscount() as one:
            return [
                (words["point"], one.point_name),
                (words["channel"], one.channel),
                (words["discount"], words["per_mwh"].format(amount=_money(terms, one.price, one.price_scale))),
                (words["hours"], _hours(one.hours, words)),
            ]
        case StorageLease() as one:
            capacity = format_decimal(one.capacity_wh, decimals=3, mark=_mark(terms))
            return [
                (words["storage"], one.storage),
                (words["capacity"], f"{capacity} kWh"),
                (words["rent"], _money(terms, one.amount)),
            ]
        case EvCarLoan() as one:
            each, last = (
                _money(terms, instalment_amount(total=one.total, count=one.count, number=number))
                for number in (1, one.count)
            )
            value = words["instalments_value"].format(count=one.count, each=each, last=last, first=one.first)
            return [
                (words["vehicle"], one.vehicle),
                (words["total"], _money(terms, one.total)),
                (words["instalments"], value),
            ]
        case EvChargingCredit() as one:
            return [(words["station"], one.station), (words["limit"], _money(terms, one.limit))]


def _who_pays(terms: Terms, words: Mapping[str, str]) -> list[tuple[str, str]]:
    names = {party.account: party.name for party in terms.parties}
    return [
        (
            words["asset"],
            f"{one.asset}: " + words["payer_line"].format(payer=names[one.payer], taker=names[one.taker]),
        )
        for one in terms.obligations
    ]


def _duration(terms: Terms, words: Mapping[str, str]) -> list[str]:
    begins = words["duration_from"].format(day=_printed(terms.valid_from, terms.language))
    if terms.valid_to:
        last = (date.fromisoformat(terms.valid_to) - timedelta(days=1)).isoformat()
        begins += words["duration_to"].format(day=_printed(last, terms.language))
    else:
        begins += words["duration_open"]
    notice = words["notice"].format(days=terms.notice_days) if terms.notice_days else words["no_notice"]
    withdraw = words["withdraw"].format(days=terms.withdraw_days) if terms.withdraw_days else words["no_withdraw"]
    return [begins, notice, withdraw]


def _money(terms: Terms, amount: int, extra_decimals: int = 0) -> str:
    """An amount of minor units with the name of its asset, PLN as zł."""
    name, _, scale = terms.asset.partition("/")
    number = format_decimal(amount, decimals=int(scale) + extra_decimals, mark=_mark(terms))
    return f"{number} {'zł' if name in {'PLN', 'DUE'} else name}"


def _mark(terms: Terms) -> str:
    return "," if terms.language == "pl" else "."


def _hours(hours: tuple[int, ...], words: Mapping[str, str]) -> str:
    """Runs of hours as ranges: 9, 10, 11 is 9:00-12:00."""
    runs: list[list[int]] = []
    for hour in hours:
        if runs and runs[-1][-1] + 1 == hour:
            runs[-1].append(hour)
        else:
            runs.append([hour])
    return ", ".join(words["hour_range"].format(first=run[0], last=run[-1] + 1) for run in runs)


def _printed(day: str, language: str) -> str:
    """A day as people write it."""
    one = date.fromisoformat(day)
    return f"{one.day}.{one.month:02d}.{one.year}" if language == "pl" else day
