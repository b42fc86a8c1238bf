"""The three events of the demo, as the home's recording system posts them."""

import base64
import struct
import zlib
from datetime import datetime, timedelta
from typing import Any

from hub.demo.case import (
    ADDRESS,
    CARER,
    CHILD,
    CIRCUMSTANCES,
    CONCERNS,
    EPISODE,
    HOME_OFFICE_REFERENCE,
    HOST,
    LAST_SEEN,
    MAILBOXES,
    MEDICAL,
    MEDICATION,
    MOBILE,
    RESPONSIBLE,
    SCHOOL_URN,
    SOCIAL_WORKER,
    SOURCE,
    TOLD_PARENT,
    WITHHELD,
)


def report(now: datetime) -> dict[str, Any]:
    """The child did not come home an hour and a half ago."""
    return _event("reported", "EH-1", now) | {
        "data": {
            "episode": {
                "ref": EPISODE,
                "category": "missing",
                "since": _ago(now, 95),
                "noticed_at": _ago(now, 80),
                "last_seen": {"at": _ago(now, 110), "place": LAST_SEEN, "with": "an older person nobody knew"},
                "missing_from": "placement",
                "circumstances": f"Left after {CIRCUMSTANCES} and did not come back for supper.",
                "clothing": "Blue coat, white trainers",
                "belongings": "A red rucksack",
                "initial_checks": ["Searched the house and garden", "Rang the child's phone: switched off"],
                "police": {"reported_at": _ago(now, 20), "incident_number": "WM-0042-EX"},
                "risk": {"level": "medium", "assessed_by": "police", "basis": "First time missing from here"},
            },
            "child": _child(),
            "placement": {
                "type": "childrens_home",
                "responsible_authority": RESPONSIBLE,
                "host_authority": HOST,
                "provider": "Example House",
                "address": f"{ADDRESS}, Exampleton",
                "phone": "+447700900160",
            },
            "school": {"urn": SCHOOL_URN, "name": "Example School"},
            "people": _people(now),
        }
    }


def _child() -> dict[str, Any]:
    return {
        "ref": "EH-C-0007",
        "name": CHILD,
        "other_names": ["Robbie"],
        "date_of_birth": "2011-08-17",
        "gender": "female",
        "preferred_language": "Vietnamese",
        "description": "1.58 m, slim, brown eyes, long black hair, a small scar on the left hand",
        "photo": {"media_type": "image/png", "data_base64": base64.b64encode(portrait()).decode("ascii")},
        "medical": MEDICAL,
        "medication": MEDICATION,
        "mobile": MOBILE,
        "looked_after": True,
        "legal_status": "section_20",
        "known_to_childrens_services": True,
        "subject_to_immigration_restriction": True,
        "home_office_reference": HOME_OFFICE_REFERENCE,
    }


def _people(now: datetime) -> list[dict[str, Any]]:
    decided = {"decided_by": f"{SOCIAL_WORKER}, social worker", "decided_at": (now - timedelta(days=30)).isoformat()}
    return [
        {
            "role": "parent",
            "name": WITHHELD,
            "parental_responsibility": True,
            "email": MAILBOXES[WITHHELD],
            "notify": {"decision": "withhold", "reason": "contact would put the child at risk", **decided},
        },
        {
            "role": "parent",
            "name": TOLD_PARENT,
            "parental_responsibility": True,
            "email": MAILBOXES[TOLD_PARENT],
            "notify": {"decision": "notify", **decided},
        },
        {"role": "social_worker", "name": SOCIAL_WORKER, "email": MAILBOXES[SOCIAL_WORKER]},
        {"role": "carer", "name": CARER, "email": MAILBOXES[CARER], "phone": "+447700900161"},
    ]


def update(now: datetime) -> dict[str, Any]:
    """The police grade the risk as high; a sighting in other clothes."""
    return _event("updated", "EH-2", now) | {
        "data": {
            "episode": {
                "ref": EPISODE,
                "clothing": "Green parka, white trainers",
                "risk": {"level": "high", "assessed_by": "police", "basis": "Seen getting into a stranger's car"},
                "vehicle": "A silver hatchback",
            }
        }
    }


def returned(now: datetime) -> dict[str, Any]:
    """The carer finds the child and brings her back."""
    return _event("returned", "EH-3", now) | {
        "data": {
            "episode": {"ref": EPISODE},
            "returned": {"at": now.isoformat(), "to": "placement", "brought_by": "carer", "concerns": CONCERNS},
        }
    }


def _event(what: str, number: str, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": number,
        "source": SOURCE,
        "type": f"fingerpost.episode.{what}.v1",
        "time": now.isoformat(),
        "datacontenttype": "application/json",
    }


def _ago(now: datetime, minutes: int) -> str:
    return (now - timedelta(minutes=minutes)).isoformat()


def portrait(size: int = 96) -> bytes:
    """A photo of nobody: a head and shoulders in grey, as a PNG."""
    rows = []
    for y in range(size):
        row = bytearray([0])  # PNG filter 0: the bytes as they are
        for x in range(size):
            head = (x - size * 0.5) ** 2 + (y - size * 0.36) ** 2 < (size * 0.2) ** 2
            shoulders = (x - size * 0.5) ** 2 + (y - size * 1.05) ** 2 < (size * 0.42) ** 2
            row.append(0x60 if head or shoulders else 0xD8)
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
