"""Authorities, districts and police forces: any code a case system may send, turned into the authority it means today.

The facts are the CSV files in ``contacts/reference`` (NOTICE names their sources). They are read once, by
:func:`load_areas`.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

Row = Mapping[str, str]

_CODE = re.compile(r"[A-Z][0-9]{8}|[0-9]{3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One authority with children's services, as it is called today."""

    gss: str
    """Its GSS code: the only one used inside the hub."""
    dfe: str | None
    """Its Department for Education number; English authorities only."""
    name: str
    official_name: str
    nation: str
    """``England``, ``Wales``, ``Scotland`` or ``Northern Ireland``."""
    region: str | None
    """The English region; None elsewhere."""
    force: str
    """Code of the one police force that covers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """A police force. ``nation`` is ``Great Britain`` for the British Transport Police."""

    code: str
    name: str
    nation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureChange:
    """A reorganisation that is known but not in force: data for whoever keeps the directory, acted on by nobody."""

    effective_from: date
    authority: str
    district: str
    becomes: str
    """The new authority's name; its code is not published yet."""


AreaReason = Literal["malformed", "unknown", "ambiguous", "unknown_district", "district_elsewhere"]


class AreaProblem(ValueError):
    """A code that does not lead to exactly one authority.

    ``reason`` is for programs, the text for people. What was sent is repeated only where it has the form of a code:
    anything else might be an address or a name that was put into the wrong place.
    """

    def __init__(self, reason: AreaReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """All areas. Look-ups are dictionary reads; nothing changes after :func:`load_areas`."""

    authorities: Mapping[str, Authority] = field(repr=False)
    """By GSS code: the 153 of England and the 65 of the other nations."""
    forces: Mapping[str, Force] = field(repr=False)
    """By force code, the British Transport Police (``BTP``) included."""
    future: tuple[FutureChange, ...] = field(default=(), repr=False)
    _by_code: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Every code known, present or former, to the GSS codes it may mean."""
    _by_force: Mapping[str, tuple[str, ...]] = field(repr=False)

    def resolve(self, code: str, district: str | None = None) -> Authority:
        """The authority that ``code`` means today (readings.md B33).

        ``code`` is a GSS code, a DfE number, a former one of either, or a district (LAD) code. ``district``, a
        district code, present or former, is looked at only where the code alone could mean several authorities.

        Raises :class:`AreaProblem` for a code nobody knows, an ambiguous one without a district, and a district that
        is unknown or lies in none of the authorities the code may mean.
        """
        candidates = self._candidates(code, "unknown", "an authority code")
        if len(candidates) == 1:
            return self.authorities[candidates[0]]
        names = " or ".join(f"{self.authorities[c].name} ({c})" for c in candidates)
        if district is None:
            raise AreaProblem(
                "ambiguous", f"{code.upper()} is a former code that may be {names}: send the present code or a district"
            )
        places = self._candidates(district, "unknown_district", "a district code")
        if len(places) != 1 or places[0] not in candidates:
            raise AreaProblem(
                "district_elsewhere", f"the district is not in the area of {code.upper()}, which is now {names}"
            )
        return self.authorities[places[0]]

    def english(self) -> tuple[str, ...]:
        """GSS codes of the 153 English authorities, in order of code."""
        return tuple(a.gss for a in self.authorities.values() if a.nation == "England")

    def london(self) -> tuple[str, ...]:
        """GSS codes of the 32 boroughs and the City."""
        return tuple(code for code in self.authorities if code.startswith("E09"))

    def everywhere(self) -> tuple[str, ...]:
        """GSS codes of all 218 authorities of the United Kingdom."""
        return tuple(self.authorities)

    def authorities_of_force(self, force: str) -> tuple[str, ...]:
        """GSS codes of the authorities a force covers; none for the British Transport Police.

        Raises :class:`AreaProblem` for a force that does not exist.
        """
        if force not in self.forces:
            raise AreaProblem("unknown", f"{_shown(force)} is not the code of a police force")
        return self._by_force.get(force, ())

    def _candidates(self, code: str, reason: AreaReason, what: str) -> tuple[str, ...]:
        found = self._by_code.get(code) or (self._by_code.get(code.upper()) if code.isascii() else None)
        if found:
            return found
        if not _CODE.fullmatch(code.upper()):
            raise AreaProblem("malformed", f"not {what}: one letter and eight digits, or a three-digit DfE number")
        raise AreaProblem(reason, f"{code.upper()} is not {what}, present or former, that is known")


def _shown(code: str) -> str:
    return code if _CODE.fullmatch(code) else "what was given"


@cache
def load_areas() -> Areas:
    """Reads the packaged facts; the first call takes some milliseconds, later ones nothing."""
    english, others = _rows("authorities.csv"), _rows("authorities_other_nations.csv")
    authorities = {row["gss_code"]: _authority(row) for row in sorted(english + others, key=lambda r: r["gss_code"])}
    by_force: dict[str, list[str]] = {}
    for authority in authorities.values():
        by_force.setdefault(authority.force, []).append(authority.gss)
    return Areas(
        authorities=MappingProxyType(authorities),
        forces=MappingProxyType(
            {r["code"]: Force(code=r["code"], name=r["name"], nation=r["nation"]) for r in _rows("police_forces.csv")}
        ),
        future=tuple(_future(row) for row in _rows("future_changes.csv")),
        _by_code=MappingProxyType(_codes(authorities, _rows("districts.csv"), _rows("former_codes.csv"))),
        _by_force=MappingProxyType({force: tuple(codes) for force, codes in by_force.items()}),
    )


def _rows(name: str) -> list[Row]:
    text = resources.files("contacts").joinpath("reference", name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def _authority(row: Row) -> Authority:
    return Authority(
        gss=row["gss_code"],
        dfe=row.get("dfe_code") or None,
        name=row["name"],
        official_name=row["official_name"],
        nation=row["nation"],
        region=row.get("region") or None,
        force=row["police_force_code"],
    )


def _future(row: Row) -> FutureChange:
    return FutureChange(
        effective_from=date.fromisoformat(row["effective_from"]),
        authority=row["current_authority_gss_code"],
        district=row["district_code"],
        becomes=row["future_authority"],
    )


def _codes(
    authorities: Mapping[str, Authority], districts: Sequence[Row], former: Sequence[Row]
) -> dict[str, tuple[str, ...]]:
    """Former codes first, so that one still in use (a DfE number kept through a recoding) means its present owner."""
    successors: dict[str, list[str]] = {}
    for row in former:
        for code in (row["former_gss_code"], row["former_dfe_code"]):
            if code and row["successor_gss_code"] not in successors.setdefault(code, []):
                successors[code].append(row["successor_gss_code"])
    codes = {code: tuple(found) for code, found in successors.items()}
    codes |= {row["lad_code"]: (row["authority_gss_code"],) for row in districts}
    codes |= {a.dfe: (a.gss,) for a in authorities.values() if a.dfe}
    codes |= {gss: (gss,) for gss in authorities}
    return codes
