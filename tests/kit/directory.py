"""A small directory to take apart: a council with an office and a night team, a force, the operator."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contacts.model import Bundle, Contact, Desk, Hours, Organisation

BROMLEY = "E09000006"
MET = "E23000001"
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday at noon."""
NIGHT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def contact(organisation: str, desk: str, *, id: str = "", hours: str | None = None, **more: object) -> Contact:
    entry = Contact(
        id=id or f"{organisation}.{desk}".lower(),
        organisation=organisation,
        desk=desk,
        channel="email",
        address=f"{desk.replace('_', '-')}@{organisation.lower()}.example",
        hours=hours,
    )
    return replace(entry, **more)  # type: ignore[arg-type]  # each test names fields of Contact


def small_bundle() -> Bundle:
    desks = ("front_door", "social_work_team", "emergency_duty_team", "fostering_out_of_hours", "fallback", "mash")
    return Bundle(
        organisations=(
            Organisation(code=BROMLEY, name="Example Council", phone="+441632960001"),
            Organisation(code=MET, name="Example Police", phone="+441632960002"),
            Organisation(code="operator", name="The operator"),
        ),
        desks=(
            *(Desk(organisation=BROMLEY, function=function) for function in desks),
            Desk(organisation=MET, function="missing_persons_unit", phone="+441632960003"),
            Desk(organisation="operator", function="operator"),
        ),
        contacts=(
            contact(BROMLEY, "front_door", hours="office"),
            contact(BROMLEY, "social_work_team", hours="office"),
            contact(BROMLEY, "emergency_duty_team", hours="night"),
            contact(BROMLEY, "fostering_out_of_hours", hours="night"),
            contact(BROMLEY, "fallback", hours="office"),
            contact(MET, "missing_persons_unit"),
            contact("operator", "operator"),
        ),
        hours=(
            Hours(name="office", times="mon-fri 08:30-17:30", bank_holidays="england"),
            Hours(name="night", times="outside mon-fri 08:30-17:30", bank_holidays="england"),
        ),
    )


@cache
def certificate_der(name: str, start: datetime, end: datetime) -> bytes:
    """A self-signed certificate: enough for a directory, which reads dates and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=subject,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=start,
        not_valid_after=end,
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(der: bytes) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
