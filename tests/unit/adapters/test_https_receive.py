"""What was sealed for this hub opens here and nowhere else, and only what its sender signed as this counts."""

import json

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from adapters.https.introduction import MAX_SIGNATURES, NotReadable, said_by, signed
from adapters.https.keys import ReceiverKey, encryption_key, signature_keys
from adapters.https.receive import RECEIPT_TYP, NotOpened, Opener, verified
from adapters.https.seal import ContentSigner, seal
from adapters.https.wire import NOTICE_TYP
from contacts.jwks import thumbprint_of
from tests.kit.clock import START
from tests.kit.peers import ASHBY, BORDON
from tests.kit.pki import curve_key

SAID = b'{"jti":"dv_1"}'


def key_of(opener: Opener) -> ReceiverKey:
    said = BORDON.said()
    found = encryption_key(said.keys, START, said.pinned)
    assert isinstance(found, ReceiverKey)
    assert found.jwk["x"] == opener.public_jwk["x"]
    return found


def test_what_is_sealed_opens_with_the_newest_and_with_an_older_key() -> None:
    sealed = seal(SAID, ASHBY.signers[0], key_of(BORDON.opener))
    rotated = Opener([curve_key("bordon receive"), curve_key("newer")])
    assert rotated.public_jwk["x"] != BORDON.opener.public_jwk["x"]
    for opener in (BORDON.opener, rotated):
        inner = opener.open(sealed)
        assert verified(inner, ASHBY.said().signing(START), NOTICE_TYP) == SAID


@pytest.mark.parametrize("damage", ["cut", "turned", "empty", "text", "long"])
def test_what_is_not_whole_or_for_another_does_not_open(damage: str) -> None:
    sealed = seal(SAID, ASHBY.signers[0], key_of(BORDON.opener))
    wrong = {
        "cut": sealed[:-3],
        "turned": sealed[:-12] + (b"A" if sealed[-12:-11] != b"A" else b"B") + sealed[-11:],
        "empty": b"",
        "text": "ü.ü.ü.ü.ü".encode(),
        "long": sealed + b".x",
    }[damage]
    with pytest.raises(NotOpened):
        BORDON.opener.open(wrong)
    with pytest.raises(NotOpened):
        ASHBY.opener.open(sealed)


def test_what_is_compressed_does_not_open_as_it_may_grow_without_an_end() -> None:
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "zip": "DEF"}
    bomb = jwe.encrypt_compact(header, b"0" * 10_000, ECKey.import_key(dict(key_of(BORDON.opener).jwk)))
    with pytest.raises(NotOpened):
        BORDON.opener.open(bomb.encode())


def test_a_signature_counts_for_what_it_was_made_for_and_by_whom() -> None:
    signer, keys = ASHBY.signers[0], ASHBY.said().signing(START)
    assert verified(signer.sign(SAID).encode(), keys, NOTICE_TYP) == SAID
    assert verified(signer.sign(SAID, RECEIPT_TYP).encode(), keys, NOTICE_TYP) is None
    assert verified(signer.sign(SAID).encode(), BORDON.said().signing(START), NOTICE_TYP) is None
    assert verified(signer.sign(SAID).encode(), (), NOTICE_TYP) is None
    unsigned = b"eyJhbGciOiJub25lIiwidHlwIjoiZmluZ2VycG9zdC1ub3RpY2Urand0In0.e30."
    assert verified(unsigned, keys, NOTICE_TYP) is None


def test_a_document_is_said_by_each_key_that_signed_it() -> None:
    old, new = (ContentSigner(key=curve_key(name)) for name in ("old", "new"))
    document = signed(SAID, [old, new])
    for signer in (old, new):
        jwk = json.dumps(signer.public_jwk).encode()
        keys = signature_keys([jwk], START, frozenset({thumbprint_of(jwk)}))
        assert keys
        assert said_by(document, keys) == SAID
    assert said_by(document, ASHBY.said().signing(START)) is None
    assert said_by(signed(SAID, [old] * (MAX_SIGNATURES + 5)), ()) is None


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'"x"', b"{" * 100_000, b'{"payload":1,"signatures":[]}', b'{"payload":"","signatures":[1]}',
     b'{"payload":"","signatures":[{"protected":"\xc3\xbc","signature":""}]}', b" " * 70_000,
     b'{"payload":"","signatures":[' + b",".join([b'{"protected":"","signature":""}'] * 17) + b"]}"],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_signed_document_is_not_readable(document: bytes) -> None:
    with pytest.raises(NotReadable):
        said_by(document, ())
