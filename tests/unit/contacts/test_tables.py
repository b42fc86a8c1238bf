"""Import and export: what goes out comes back, and every mistake is named with its place."""

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from contacts import crosscheck, tables
from contacts.areas import load_areas
from contacts.crosscheck import MOST_AT_A_DESK
from contacts.directory import Directory
from contacts.export import TABLES
from contacts.model import Bundle, Certificate, Organisation
from contacts.tables import FORMAT, Loaded, dumps, dumps_csv, dumps_zip, load, load_csv, load_json, load_zip
from tests.kit.bundles import bundles
from tests.kit.directory import BROMLEY, NOW, certificate_der, pem, small_bundle

AREAS = load_areas()
DER = certificate_der("Front Door", NOW - timedelta(days=1), NOW + timedelta(days=365))
EXPIRED = certificate_der("Front Door", NOW - timedelta(days=9), NOW - timedelta(days=1))

EMPTY: dict[str, Any] = json.loads(dumps(Bundle()))
NO_ROWS = dumps_csv(Bundle())


def with_certificates(*ders: bytes) -> Bundle:
    on_file = tuple(Certificate(address=f"c{n}@council.example", der=der, fingerprint="") for n, der in enumerate(ders))
    return replace(small_bundle(), certificates=on_file)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dumps(small_bundle()))
    found["certificates"] = [{"address": "front-door@council.example", "certificate": pem(DER)}]
    return found


def read(doc: object) -> Loaded:
    return load_json(json.dumps(doc).encode(), AREAS, NOW)


def problems(loaded: Loaded) -> dict[str, str]:
    assert loaded.bundle is None
    assert len({p.path for p in loaded.problems}) == len(loaded.problems)
    return {p.path: p.message for p in loaded.problems}


def archive(files: Mapping[str, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return out.getvalue()


# What goes out comes back


def test_json_comes_back_byte_for_byte() -> None:
    first = read(document())
    assert first.problems == first.warnings == ()
    assert first.bundle is not None
    data = dumps(first.bundle)
    again = load(data, AREAS, NOW)
    assert again.bundle == first.bundle
    assert dumps(first.bundle) == data
    assert Directory.of(first.bundle).certificates("front-door@council.example")[0].der == DER


def test_the_order_of_rows_makes_no_difference() -> None:
    doc = document()
    turned = {key: list(reversed(rows)) if isinstance(rows, list) else rows for key, rows in doc.items()}
    one, other = read(doc), read(turned)
    assert one.bundle is not None
    assert one.bundle == other.bundle


@pytest.mark.parametrize("folder", ["", "directory/"])
def test_csv_holds_the_same_as_json(folder: str) -> None:
    bundle = read(document()).bundle
    assert bundle is not None
    files = dumps_csv(bundle)
    assert load_csv(files, AREAS, NOW).bundle == bundle
    zipped = archive({f"{folder}{name}": data for name, data in files.items()}, compression=zipfile.ZIP_DEFLATED)
    assert load(zipped, AREAS, NOW).bundle == bundle


def test_an_archive_imports_back_byte_for_byte() -> None:
    bundle = read(document()).bundle
    assert bundle is not None
    again = load(dumps_zip(bundle), AREAS, NOW).bundle
    assert again == bundle
    assert dumps_zip(again) == dumps_zip(bundle)


def test_csv_as_spreadsheets_save_it() -> None:
    """A byte order mark, blank lines, spaces round cells, columns in another order, a PEM over several lines."""
    files = {
        "organisations.csv": "\ufeffname,code,hub_register\r\n Example Council , 305 ,no\r\n,,\r\n".encode(),
        "certificates.csv": f'certificate,address\n"{pem(DER)}",front-door@council.example\n'.encode(),
    }
    bundle = load_csv(NO_ROWS | files, AREAS, NOW).bundle
    assert bundle is not None
    assert bundle.organisations == (Organisation(code=BROMLEY, name="Example Council", hub_register=False),)
    assert bundle.certificates[0].der == DER


def test_codes_and_addresses_are_made_canonical() -> None:
    doc = {
        "format": FORMAT,
        "organisations": [{"code": "370", "name": "Example Council", "phone": "01632 960 001"}],
        "desks": [{"organisation": "E08000016", "function": "front_door", "valid_from": "2026-07-01"}],
        "contacts": [
            {"id": "a", "organisation": "E08000038", "desk": "front_door", "channel": "sms", "address": "07700 900001"}
        ],
        "hours": [{"name": "office", "times": "Mon-Fri  08:30-17:30"}],
        "certificates": [{"address": "Jo@Council.example", "certificate": base64.b64encode(DER).decode()}],
    }
    bundle = read(doc).bundle
    assert bundle is not None
    assert bundle.organisations[0].code == bundle.desks[0].organisation == bundle.contacts[0].organisation
    assert bundle.organisations[0].phone == "+441632960001"
    assert bundle.desks[0].valid_from == datetime(2026, 6, 30, 23, tzinfo=UTC)  # midnight in London in summer
    assert bundle.contacts[0].address == "+447700900001"
    assert bundle.hours[0].times == "mon-fri 08:30-17:30"
    assert bundle.certificates[0].address == "Jo@council.example"


@given(bundles())
def test_any_bundle_goes_out_and_comes_back(bundle: Bundle) -> None:
    data = dumps(bundle)
    loaded = load_json(data, AREAS, NOW)
    assert loaded.problems == ()
    assert loaded.bundle is not None
    assert dumps(loaded.bundle) == data
    assert data == (json.dumps(json.loads(data), ensure_ascii=False, indent=1) + "\n").encode()
    assert set(loaded.bundle.contacts) == set(bundle.contacts)
    assert load_csv(dumps_csv(bundle), AREAS, NOW).bundle == loaded.bundle


# Every mistake, with its place

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("organisations", {"code": "E99999999"}, "not an authority code"),
    ("organisations", {"code": "E10000006"}, "present code or a district"),
    ("organisations", {"code": "Example Council"}, "code of a force"),
    ("organisations", {"code": "school:1"}, "code of a force"),
    ("organisations", {"name": "  "}, "1 to 200"),
    ("organisations", {"name": "x" * 201}, "1 to 200"),
    ("organisations", {"name": "Example\u202eCouncil"}, "invisible"),
    ("organisations", {"name": "Example\nCouncil"}, "control"),
    ("organisations", {"name": "=cmd()"}, "formula"),
    ("organisations", {"phone": "101"}, "phone number"),
    ("organisations", {"hub_register": "maybe"}, "boolean"),
    ("organisations", {"fallback_desk": "fall_back"}, "not a desk"),
    ("organisations", {"fallback_desk": "iro_service"}, "no such desk"),
    ("organisations", {"signing_identity": "Jo Worker"}, "lower-case"),
    ("organisations", {"colour": "red"}, "unknown key"),
    ("organisations", {"valid_from": "soon"}, "a date"),
    ("organisations", {"valid_from": "2026-04-01T09:00:00"}, "with its offset"),
    ("desks", {"function": "front_dor"}, "not a desk"),
    ("desks", {"organisation": "E06000013"}, "no such organisation"),
    ("contacts", {"id": "Jo Worker"}, "never a person's name"),
    ("contacts", {"id": None}, "valid string"),
    ("contacts", {"organisation": "E06000013"}, "no such organisation"),
    ("contacts", {"desk": "iro_service"}, "no such desk"),
    ("contacts", {"channel": "fax"}, "'email', 'sms' or 'push'"),
    ("contacts", {"address": "jo@council"}, "well-formed"),
    ("contacts", {"order": -1}, "greater than"),
    ("contacts", {"order": "first"}, "valid integer"),
    ("contacts", {"hours": "lunch"}, "no such hours"),
    ("contacts", {"valid_from": "2026-04-01", "valid_until": "2026-04-01"}, "not after"),
    ("hours", {"times": "mon-fri 9-5"}, "each part"),
    ("hours", {"times": "bank-holidays 10:00-12:00", "bank_holidays": None}, "but not whose"),
    ("hours", {"bank_holidays": "cornwall"}, "'england'"),
    ("hours", {"times": "; ".join(["mon 09:00-10:00"] * 101)}, "more than 100 parts"),
    ("hours", {"times": f"{','.join(['mon'] * 2_000)} 09:00-10:00"}, "more than 5000 characters"),
    ("certificates", {"address": "council.example"}, "has an @"),
    ("certificates", {"certificate": "aGVsbG8="}, "not a certificate"),
    ("certificates", {"certificate": "-----BEGIN CERTIFICATE-----"}, "not a certificate"),
    ("certificates", {"certificate": pem(DER) + pem(EXPIRED)}, "several certificates"),
    ("certificates", {"certificate": "-----BEGIN PRIVATE KEY-----"}, "private key"),
    ("certificates", {"certificate": pem(DER)[:-80] + "QQ==\n-----END CERTIFICATE-----"}, "not a certificate"),
    ("certificates", {"certificate": "A" * 70_000}, "too long"),
    ("certificates", {"fingerprint": "00" * 32}, "is not the SHA-256"),
]


def spoilable(row: Mapping[str, Any]) -> bool:
    """A council, and a desk that nobody else refers to."""
    return bool(row.get("code", BROMLEY) == BROMLEY and row.get("function", "mash") == "mash")


def field_of(change: Mapping[str, Any]) -> str:
    return list(change)[-1] if "bank_holidays" not in change or len(change) == 1 else "times"


@pytest.mark.parametrize(("table", "change", "message"), WRONG, ids=[f"{t}-{list(c)[-1]}-{m}" for t, c, m in WRONG])
def test_one_mistake_in_json(table: str, change: dict[str, Any], message: str) -> None:
    doc = document()
    number = next(n for n, row in enumerate(doc[table]) if spoilable(row))
    doc[table][number] |= change
    found = problems(read(doc))
    place = f"{table}[{number}].{field_of(change)}"
    assert message in found[place]
    if "code" not in change:  # whose desks and contacts have then lost their organisation
        assert list(found) == [place]


@pytest.mark.parametrize(("table", "change", "message"), WRONG, ids=[f"{t}-{list(c)[-1]}-{m}" for t, c, m in WRONG])
def test_one_mistake_in_csv(table: str, change: dict[str, Any], message: str) -> None:
    bundle = read(document()).bundle
    assert bundle is not None
    doc = json.loads(dumps(bundle))
    if change.get("id", "") is None:
        message = "is missing"
    if "colour" in change:
        message = "unknown column"
    number = next(n for n, row in enumerate(doc[table]) if spoilable(row))
    doc[table][number] |= change
    columns = list(doc[table][number])
    lines = [",".join(columns)]
    for row in doc[table]:
        cells = ["" if row.get(c) is None else str(row[c]) for c in columns]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    found = problems(load_csv({**dumps_csv(bundle), f"{table}.csv": "\n".join(lines).encode()}, AREAS, NOW))
    place = f"{table}.csv:{1 if 'colour' in change else number + 2}:{field_of(change)}"
    if "name" in change and not change["name"].strip():
        message = "is missing"
    assert message in found[place]


def test_the_address_is_never_repeated() -> None:
    doc = document()
    doc["contacts"][0]["address"] = "robin example@council.example"
    doc["contacts"][1]["id"] = "Robin Example"
    doc["organisations"][0]["code"] = "Robin Example"
    for path, message in problems(read(doc)).items():
        assert "obin" not in path + message


def test_all_mistakes_at_once_and_none_that_only_follow() -> None:
    doc = document()
    council = next(n for n, o in enumerate(doc["organisations"]) if o["code"] == BROMLEY)
    doc["organisations"][council]["phone"] = "101"
    front_door = next(n for n, d in enumerate(doc["desks"]) if d["function"] == "front_door")
    doc["desks"][front_door]["phone"] = "999"
    office = next(n for n, h in enumerate(doc["hours"]) if h["name"] == "office")
    doc["hours"][office]["times"] = "never"
    doc["contacts"][0]["address"] = "nowhere"
    doc["more"] = []
    assert set(problems(read(doc))) == {
        f"organisations[{council}].phone",
        f"desks[{front_door}].phone",
        f"hours[{office}].times",
        "contacts[0].address",
        "more",
    }


@pytest.mark.parametrize(
    ("table", "column"),
    [("organisations", "code"), ("desks", "function"), ("contacts", "id"), ("hours", "name")],
)
def test_nothing_stands_twice(table: str, column: str) -> None:
    doc = document()
    again = dict(doc[table][0])
    if table == "contacts":
        again["address"] = "other@council.example"
    doc[table].append(again)
    assert list(problems(read(doc))) == [f"{table}[{len(doc[table]) - 1}].{column}"]


def test_one_organisation_under_two_codes_stands_twice() -> None:
    doc = EMPTY | {"organisations": [{"code": "305", "name": "Example"}, {"code": BROMLEY, "name": "Example"}]}
    assert problems(read(doc)) == {
        "organisations[1].code": "this organisation stands here twice, first at organisations[0]"
    }


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, False),
        ({"address": "FRONT-DOOR@e09000006.example"}, False),
        ({"hours": None}, False),
        ({"hours": "night"}, True),
        ({"desk": "mash"}, True),
    ],
)
def test_one_address_twice_on_one_desk_at_one_time(change: dict[str, Any], allowed: bool) -> None:
    doc = document()
    first = next(c for c in doc["contacts"] if c["desk"] == "front_door")
    doc["contacts"].append(first | {"id": "again"} | change)
    loaded = read(doc)
    if allowed:
        assert loaded.problems == ()
    else:
        assert "already a contact" in problems(loaded)[f"contacts[{len(doc['contacts']) - 1}].address"]


def test_one_address_may_follow_itself() -> None:
    doc = document()
    first = next(c for c in doc["contacts"] if c["desk"] == "front_door")
    doc["contacts"].append(first | {"id": "later", "valid_from": "2026-04-01"})
    first["valid_until"] = "2026-04-01"
    assert read(doc).problems == ()
    first["valid_until"] = "2026-04-02"
    assert "already a contact" in problems(read(doc))[f"contacts[{len(doc['contacts']) - 1}].address"]


def test_a_desk_has_room_for_so_many_contacts() -> None:
    doc = document()
    first = next(row for row in doc["contacts"] if row["desk"] == "front_door")
    doc["contacts"].remove(first)
    doc["contacts"] += [first | {"id": f"c{n}", "address": f"c{n}@council.example"} for n in range(MOST_AT_A_DESK)]
    assert read(doc).problems == ()
    doc["contacts"] += [first | {"id": f"more{n}"} for n in range(2)]
    assert set(problems(read(doc)).values()) >= {"more than 200 contacts at this desk"}


def test_what_one_desk_has_too_much_of_is_not_compared_with_all_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one address, at times that never meet, would keep everybody else's import waiting for an hour."""
    compared: list[object] = []
    monkeypatch.setattr(crosscheck, "_overlap", lambda one, other: bool(compared.append((one, other))))
    doc = document()
    first = next(row for row in doc["contacts"] if row["desk"] == "front_door")
    doc["contacts"] += [first | {"id": f"c{n}"} for n in range(1_000)]
    assert len(read(doc).problems) == 1_001 - MOST_AT_A_DESK
    assert len(compared) <= 1_001 * MOST_AT_A_DESK < 1_000 * 999 / 2


def test_one_certificate_twice_for_one_address() -> None:
    doc = document()
    doc["certificates"].append(doc["certificates"][0] | {"address": "FRONT-DOOR@council.example"})
    assert list(problems(read(doc))) == ["certificates[1].certificate"]
    doc["certificates"][1]["address"] = "other@council.example"
    assert read(doc).problems == ()


def test_a_certificate_out_of_date_is_a_warning() -> None:
    early = certificate_der("Early", NOW + timedelta(days=1), NOW + timedelta(days=2))
    loaded = load_json(dumps(with_fingerprints(with_certificates(DER, EXPIRED, early))), AREAS, NOW)
    assert loaded.bundle is not None
    assert {w.path: w.message.split(" on ")[0].split(" before ")[0] for w in loaded.warnings} == {
        "certificates[1].certificate": "expired",
        "certificates[2].certificate": "is not valid",
    }


def with_fingerprints(bundle: Bundle) -> Bundle:
    from_text = read(
        {
            **json.loads(dumps(bundle)),
            "certificates": [
                {"address": c.address, "certificate": base64.b64encode(c.der).decode()} for c in bundle.certificates
            ],
        }
    )
    assert from_text.bundle is not None
    return from_text.bundle


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", "format"),
        (b"{}", "format"),
        (b'{"format": "fingerpost.directory.v2"}', "format"),
        (b'{"format": "fingerpost.directory.v1", "format": "fingerpost.directory.v1"}', ""),
        (json.dumps(EMPTY | {"desks": {}}).encode(), "desks"),
        (json.dumps(EMPTY | {"desks": [1]}).encode(), "desks[0]"),
        (b'{"format": "fingerpost.directory.v1", "desks": [NaN]}', ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b"PK\x03\x04 and no more", ""),
    ],
)
def test_files_that_are_no_directory(data: bytes, path: str) -> None:
    assert list(problems(load(data, AREAS, NOW))) == [path]


ORGANISATIONS = b"code,name\nE09000006,Example Council\n"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_was_forgotten_is_not_taken_for_one_without_rows(table: str) -> None:
    """Else all contacts, or all certificates, would be gone without a word."""
    bundle = small_bundle()
    files, doc = dumps_csv(bundle), json.loads(dumps(bundle))
    del files[f"{table}.csv"], doc[table]
    assert "is missing" in problems(load_csv(files, AREAS, NOW))[f"{table}.csv"]
    assert "is missing" in problems(read(doc))[table]
    assert load_csv(NO_ROWS | {"organisations.csv": ORGANISATIONS}, AREAS, NOW).bundle is not None


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        ({"organisations.csv": b""}, ["organisations.csv:1"]),
        ({"organisations.csv": ORGANISATIONS, "notes.txt": b""}, ["notes.txt"]),
        ({"organisations.csv": b"code,name,name\n"}, ["organisations.csv:1:name", "organisations.csv:1"]),
        ({"organisations.csv": b"code;name\n"}, ["organisations.csv:1:code;name", "organisations.csv:1"]),
        ({"organisations.csv": b"code\nE09000006\n"}, ["organisations.csv:2:name"]),
        ({"organisations.csv": ORGANISATIONS + b"E09000007,Example,x\n"}, ["organisations.csv:3"]),
        ({"organisations.csv": ORGANISATIONS + b'E09000007,"Example\n'}, ["organisations.csv:3"]),
        ({"organisations.csv": b"code,name\nE09000006,Exampl\xe9\n"}, ["organisations.csv"]),
    ],
)
def test_csv_that_cannot_be_read(files: dict[str, bytes], paths: list[str]) -> None:
    assert list(problems(load_csv(NO_ROWS | files, AREAS, NOW))) == paths


def test_lines_are_counted_as_an_editor_does() -> None:
    certificates = f'address,certificate\na@council.example,"{pem(DER)}"\nnowhere,"{pem(DER)}"\n'
    files = {"organisations.csv": ORGANISATIONS, "certificates.csv": certificates.encode()}
    line = certificates.split("nowhere")[0].count("\n") + 1
    assert list(problems(load_csv(NO_ROWS | files, AREAS, NOW))) == [f"certificates.csv:{line}:address"]


def test_archives_that_are_refused() -> None:
    twice = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(twice, "w") as zipped:
        zipped.writestr("organisations.csv", ORGANISATIONS)
        zipped.writestr("organisations.csv", ORGANISATIONS)
    damaged = bytearray(archive({"organisations.csv": ORGANISATIONS}))
    damaged[damaged.index(b"Example")] ^= 1
    for data in (
        twice.getvalue(),
        bytes(damaged),
        archive({"a/organisations.csv": ORGANISATIONS, "b/desks.csv": b""}),
        archive({f"{n}.csv": b"" for n in range(11)}),
        archive({"organisations.csv": ORGANISATIONS}, compression=zipfile.ZIP_BZIP2),
        archive({"organisations.csv": b"0" * (65 * 1024 * 1024)}, compression=zipfile.ZIP_DEFLATED),
    ):
        assert list(problems(load_zip(data, AREAS, NOW))) == [""]


def test_a_file_of_mistakes_is_told_in_part_and_one_of_too_many_rows_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 40)
    monkeypatch.setattr(tables, "MOST_PROBLEMS", 5)
    for rows in ([{}] * 30, [1] * 30):
        found = read(EMPTY | {"organisations": rows}).problems
        assert (len(found), found[-1].path) == (6, "")
    lines = b"code,name\n" + b"nowhere\n" * 30
    assert len(load_csv(NO_ROWS | {"organisations.csv": lines}, AREAS, NOW).problems) == 6
    for many in ({"organisations": [{}] * 81}, {"desks": [1] * 41}, {"desks": [{}] * 21, "hours": [{}] * 21}):
        assert [one.message for one in read(EMPTY | many).problems] == ["more rows than a directory has"]
    assert list(problems(load_csv(NO_ROWS | {"organisations.csv": b"code\n" + b"\n" * 41}, AREAS, NOW))) == [
        "organisations.csv"
    ]


def test_whoever_waits_hears_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "EVERY", 2)
    heard: list[tuple[int, int]] = []
    loaded = load(json.dumps(document()).encode(), AREAS, NOW, lambda done, of: heard.append((done, of)))
    assert loaded.bundle is not None
    rows = sum(len(value) for value in document().values() if isinstance(value, list))
    assert heard == [(done, rows) for done in range(2, rows + 1, 2)]
