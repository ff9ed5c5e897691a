"""Organisations below an organisation, and the data of one that stand on its documents."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from ogniwo.core.billing.payment import VirtualAccountError, virtual_account
from ogniwo.core.kernel.ids import is_nip
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Viewer, organisation_by
from ogniwo.services.parties.operations import Address, register_organisation
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

BELOW: Final = {"operator": ("partner", "unit"), "partner": ("unit",), "unit": ()}
"""What may be registered below what."""
FIELDS: Final = ("name", "street", "post_code", "town", "nip", "krs", "account_mask")
_LENGTHS: Final = {"name": 200, "street": 200, "post_code": 10, "town": 100, "nip": 10, "krs": 10, "account_mask": 26}
_CODE: Final = re.compile(r"[a-z0-9][-a-z0-9_]{1,39}")
_PATH_MAX: Final = 200


class BadOrganisationError(Refusal):
    """The data of an organisation contradict themselves: no name, a wrong tax number or account, no proper code."""

    code = "organisation.bad_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationData:
    """An organisation as its settings show it; `below` are the kinds it may have below it."""

    code: str
    kind: str
    values: Mapping[str, str]
    below: tuple[str, ...]
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationChange:
    """What saving would change: (field, before, after); `account` is the account a member would be told to pay to."""

    changes: tuple[tuple[str, str, str], ...]
    account: str


def organisation_data(*, viewer: Viewer, code: str) -> OrganisationData:
    """The data of an organisation. Raises OutOfSightError, NotAllowedError."""
    row = organisation_by(code, viewer=viewer)
    return OrganisationData(
        code=row.code,
        kind=row.kind,
        values={name: str(getattr(row, name)) for name in FIELDS},
        below=BELOW.get(row.kind, ()),
        members=row.members.count(),
    )


def add_organisation(
    workspace: Workspace, *, viewer: Viewer, parent: str, code: str, kind: str, facts: Mapping[str, str]
) -> None:
    """Register a partner or unit below an organisation; logged.

    Raises OutOfSightError, NotAllowedError, BadOrganisationError, also when the code is taken.
    """
    above = organisation_by(parent, viewer=viewer)
    viewer.at(Act.MANAGE_ORGANISATIONS, path=above.path)
    if kind not in BELOW.get(above.kind, ()):
        raise BadOrganisationError(detail=f"below a {above.kind} there is no {kind}")
    if not _CODE.fullmatch(code) or len(above.path) + len(code) >= _PATH_MAX:
        raise BadOrganisationError(detail=f"{code!r} is no code: 2 to 40 small letters, digits, hyphens are expected")
    if Organisation.objects.filter(code=code).exists():
        raise BadOrganisationError(detail=f"the code {code} is taken")
    values = _checked(facts)
    with transaction.atomic():
        register_organisation(
            code=code,
            name=values["name"],
            kind=kind,
            parent=above,
            address=Address(street=values["street"], post_code=values["post_code"], town=values["town"]),
            **{name: values[name] for name in ("nip", "krs", "account_mask")},
        )
        after = {"kind": kind, **{name: value for name, value in values.items() if value}}
        facts_of_log = {"below": parent, "before": {}, "after": after}
        record_act(workspace, action="organisation.add", target=code, facts=facts_of_log, subject=viewer.login)


def change_organisation(
    workspace: Workspace, *, viewer: Viewer, code: str, facts: Mapping[str, str], dry_run: bool = False
) -> OrganisationChange:
    """Change what stands on documents from now on; issued ones keep what they say. With `dry_run` only tell.

    Raises OutOfSightError, NotAllowedError, BadOrganisationError.
    """
    row = organisation_by(code, viewer=viewer)
    viewer.at(Act.CHANGE_SETTINGS, path=row.path)
    values = _checked(facts)
    changes = tuple((name, getattr(row, name), value) for name, value in values.items() if getattr(row, name) != value)
    account = virtual_account(mask=values["account_mask"], customer_number=1) if values["account_mask"] else ""
    if changes and not dry_run:
        with transaction.atomic():
            Organisation.objects.filter(pk=row.pk).update(**{name: after for name, _before, after in changes})
            told: dict[str, Any] = {
                "before": {name: before for name, before, _after in changes},
                "after": {name: after for name, _before, after in changes},
            }
            record_act(workspace, action="organisation.change", target=code, facts=told, subject=viewer.login)
    return OrganisationChange(changes=changes, account=account)


def _checked(facts: Mapping[str, str]) -> dict[str, str]:
    values = {name: facts.get(name, "").strip() for name in FIELDS}
    values["nip"] = values["nip"].replace("-", "").replace(" ", "")
    values["account_mask"] = values["account_mask"].replace(" ", "").upper()
    for name, value in values.items():
        if len(value) > _LENGTHS[name] or not value.isprintable():
            raise BadOrganisationError(detail=f"{name} is longer than {_LENGTHS[name]} characters, or not printable")
    if not values["name"]:
        raise BadOrganisationError(detail="an organisation has a name")
    if values["nip"] and not is_nip(values["nip"]):
        raise BadOrganisationError(detail=f"{values['nip']} is no tax number (NIP): its check digit is wrong")
    if values["account_mask"]:
        try:
            virtual_account(mask=values["account_mask"], customer_number=1)
        except VirtualAccountError as refusal:
            raise BadOrganisationError(detail=refusal.detail) from refusal
    return values
