"""What is fuzzed: everything that reads bytes of strangers. Each target takes bytes and raises for what must not be.

A reader may refuse anything, in the way that its docstring says. It must not raise anything else, nor say more than it
promises. How long it may take is the driver's business (fuzz.py).
"""

import json
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from adapters.email import dsn, mdn
from adapters.email.certificates import usable
from adapters.email.chain import Trust
from adapters.email.credentials import Secret
from adapters.email.html_text import text_of as text_of_page
from adapters.email.inbound import MOST_RECEIPTS, Apart, read
from adapters.email.parts import Part
from adapters.email.quoting import cut
from adapters.email.reply import Answer as MailAnswer
from adapters.email.reply import Unsafe, read_reply
from adapters.email.said import clean
from adapters.email.signed import Signature, unwrap
from adapters.email.smime import Signer
from adapters.email.verp import ReceiptsAddress
from adapters.https.answer import Answer, proof
from adapters.https.keys import encryption_key, signature_keys
from adapters.port import Content, Envelope, Receipt
from adapters.sms import replies, smpp_inbound
from adapters.sms.govuk_callbacks import Unauthorised, delivery_receipt, received_text
from adapters.sms.inbound import Reply, Unreadable
from contacts.areas import Areas, load_areas
from contacts.certificate_files import holder_of
from contacts.certificates import CertificateProblem
from contacts.jwks import JwkProblem, read_jwk
from contacts.tables import load
from hub.core.events import EpisodeEvent, Invalid, NotJson, WireRules, canonical, parse
from hub.core.id_tokens import identity_of, key_id_of
from hub.core.oidc import Provider, SignInRefused
from hub.core.records import SourceKey
from hub.core.webhook import Refused, Verified, verify
from hub.web.api.sources import MOST_NAMES, names_in
from hub.web.multipart import Malformed, boundary_of, first_of, parts_of

Target = Callable[[bytes], None]
NOW: Final = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
ADDRESSES: Final = (ReceiptsAddress.of_template("r+{token}@hub.example"),)
TO: Final = "r+abcdefghijklmnopqrstuvwxyz234567@hub.example"
REPLIES: Final = Path(__file__).parents[1] / "data" / "replies"
READER: Final = "reader@council.example"
CALLBACK: Final = Secret("a token of thirty-two characters")
PROVIDER: Final = Provider(
    organisation="E09000006",
    issuer="https://login.bromley.example",
    client_id="fingerpost",
    client_secret="secret",
    domains=("bromley.example",),
)
SOURCE_KEYS: Final = (
    SourceKey(id="hmac", scheme="v1", key=b"a secret of thirty-two bytes ok.", valid_from=NOW - timedelta(days=1)),
    SourceKey(id="curve", scheme="v1a", key=bytes(31) + b"\1", valid_from=NOW - timedelta(days=1)),
)


@cache
def areas() -> Areas:
    return load_areas()


@cache
def provider_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "one"})


def text_of(data: bytes) -> str:
    """As aiohttp hands over a header."""
    return data.decode("utf-8", "surrogateescape")


def cloud_event(data: bytes) -> None:
    found = parse(data, WireRules(areas=areas(), duties=frozenset({"return_interview"})))
    if isinstance(found, Invalid):
        assert 0 < len(found.problems) <= 200
        return
    assert isinstance(found, EpisodeEvent)
    assert found.time.tzinfo is UTC
    assert canonical(canonical(data)) == canonical(data)


def json_bytes(data: bytes) -> None:
    """The canonical form, which the digest of a repeated event is of."""
    try:
        assert canonical(canonical(data)) == canonical(data)
    except NotJson:
        pass
    assert len(names_in(data)) <= MOST_NAMES


def webhook_headers(data: bytes) -> None:
    """Lines ``name: value`` up to an empty one, then the body."""
    head, _, body = data.partition(b"\n\n")
    pairs = [text_of(line).partition(":")[::2] for line in head.split(b"\n")]
    for given in (pairs, dict(pairs)):
        found = verify(given, body, SOURCE_KEYS, NOW)
        assert isinstance(found, Refused | Verified)


@cache
def reply_keys() -> tuple[Signer, ...]:
    folder = REPLIES / "keys"
    return tuple(
        Signer.from_pem(certificate=(folder / f"{one}.pem").read_bytes(), key=(folder / f"{one}.key").read_bytes())
        for one in ("hub", "hub-curve")
    )


def reply(data: bytes) -> None:
    anchors = Trust.from_pem(anchors=(REPLIES / "keys" / "root.pem").read_bytes())
    found = read_reply(data, keys=reply_keys(), mailboxes=("jo@council.example",), now=NOW, trust=anchors)
    if isinstance(found, MailAnswer):
        assert found.said.text or found.said.attached
        assert clean(found.said.text) == found.said.text
    else:
        assert found.why in get_args(Unsafe)
        assert found.why != "fault", "a fault of ours"


def page(data: bytes) -> None:
    """A page, and what it quotes."""
    text, quoted = cut(clean(text_of_page(data.decode("utf-8", "replace"))))
    assert text or not quoted


def mail(data: bytes) -> None:
    report = read(data, TO, NOW, addresses=ADDRESSES)
    assert report.apart != "fault", "a fault of ours"
    assert report.apart is None or report.apart in get_args(Apart)
    assert len(report.receipts) <= MOST_RECEIPTS
    assert bool(report.receipts) is (report.apart is None)
    for receipt in report.receipts:
        assert NOW - timedelta(days=30) <= receipt.at <= NOW
        assert len(receipt.code) <= 200 and receipt.code.isascii()


def delivery_status(data: bytes) -> None:
    assert len(dsn.read(data).outcomes) <= 60


def disposition(data: bytes) -> None:
    assert len(mdn.read(data).reader) <= 320


def signed_mail(data: bytes) -> None:
    """Signed, and in layers: whoever it claims to be, nobody that we do not trust has signed it."""
    message, signature = unwrap(Part.of(data))
    assert len(list(message.leaves())) <= 40**4
    if signature is not None:
        assert not signature.by(READER, NOW, Trust())


def cms(data: bytes) -> None:
    """The signature alone, over something fixed."""
    assert not Signature(cms=data, content=b"content").by(READER, NOW, Trust())


def certificate(data: bytes) -> None:
    usable([data], READER, NOW, Trust())
    try:
        holder_of(data)
    except CertificateProblem:
        pass


def directory(data: bytes) -> None:
    """JSON, or a zip archive of CSV tables."""
    found = load(data, areas(), NOW)
    assert found.bundle is not None or found.problems


def form(data: bytes) -> None:
    """A header line, then the body."""
    head, _, body = data.partition(b"\n")
    try:
        boundary = boundary_of(text_of(head))
        first_of(body[:1024], boundary)
        assert len(list(parts_of(body, boundary))) <= 64
    except Malformed:
        pass


def jwk(data: bytes) -> None:
    """A receiver's key, in the directory and at the moment of use."""
    encryption_key([data], NOW, frozenset())
    assert not signature_keys([data], NOW, frozenset())
    try:
        read_jwk(data.decode("utf-8", "replace"))
    except JwkProblem:
        pass


def push_answer(data: bytes) -> None:
    """What a receiver of push says, signed or not."""
    key = ECKey.import_key(provider_key().as_dict(private=False))
    document = json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig"}]}).encode()
    envelope = Envelope(
        delivery="dl_1",
        reference="FP-2345-6789",
        address="https://push.council.example/",
        body=Content(subject="", text="", html="", attachments=()),
        receipt_token="token",
        certificates=(document,),
        pinned=frozenset(),
    )
    for media_type in ("application/json", "application/jose"):
        found = proof(Answer(status=200, media_type=media_type, body=data), envelope, "push", NOW)
        assert found is None or (b"dl_1" in data or b"\\u" in data)


def id_token(data: bytes) -> None:
    """As it comes from a provider, whoever wrote it."""
    text = text_of(data)
    key = KeySet([ECKey.import_key(provider_key().as_dict(private=False))])
    for reader in (key_id_of, lambda one: identity_of(PROVIDER, one, key, nonce="nonce", now=NOW)):
        try:
            reader(text)
        except SignInRefused:
            pass


def id_claims(data: bytes) -> None:
    """What a provider itself says, under its own signature."""
    try:
        claims = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(claims, dict):
        return
    known = KeySet([ECKey.import_key(provider_key().as_dict(private=False))])
    try:
        token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider_key(), algorithms=["ES256"])
    except Exception:
        return  # no provider could send it
    try:
        found = identity_of(PROVIDER, token, known, nonce="nonce", now=NOW)
    except SignInRefused:
        return
    assert isinstance(found.subject, str)


def govuk_callback(data: bytes) -> None:
    """The header's value, then the body; and the body with the right header."""
    head, _, body = data.partition(b"\n")
    for said in (text_of(head), f"Bearer {CALLBACK.reveal()}"):
        one = delivery_receipt(body, said, [CALLBACK], NOW)
        other = received_text(body, said, [CALLBACK], NOW)
        assert isinstance(one, Receipt | Unreadable | Unauthorised)
        assert isinstance(other, Reply | Unreadable | Unauthorised)
        if isinstance(other, Reply):
            replies.read(other.text)


def smpp(data: bytes) -> None:
    """A PDU, as it came from the network."""
    for ids in ("hex", "decimal", "text"):
        found: Any = smpp_inbound.read(data, NOW, submit_ids=ids, receipt_ids=ids, alphabet="gsm")  # type: ignore[arg-type]
        if isinstance(found, Reply):
            replies.read(found.text)


TARGETS: Final[Mapping[str, Target]] = {
    one.__name__: one
    for one in (
        certificate,
        cloud_event,
        cms,
        delivery_status,
        directory,
        disposition,
        form,
        govuk_callback,
        id_claims,
        id_token,
        json_bytes,
        jwk,
        mail,
        page,
        push_answer,
        reply,
        signed_mail,
        smpp,
        webhook_headers,
    )
}


def run(name: str, data: bytes) -> None:
    """One input. Warnings of libraries about what strangers wrote are no faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TARGETS[name](data)
