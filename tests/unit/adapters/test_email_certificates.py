"""Each reason for which a recipient's certificate may not be used, told apart by name (DESIGN.md, case 8)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.email.certificates import Refusal, Usable, usable
from adapters.email.chain import Trust
from adapters.email.smime import Signer, UnusableSigner, signer_problems
from adapters.port import Reason
from tests.kit.pki import (
    END,
    NOW,
    SERVER,
    START,
    Issued,
    authority,
    curve_key,
    intermediate,
    name,
    person,
    root,
    rsa_key,
    signed_over_sha1,
)

ADDRESS = "jo.worker@council.example"
DAY = timedelta(days=1)
TRUST = Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,))
GOOD = person(ADDRESS, issuer=intermediate())


def asked(*certificates: Issued | bytes, address: str = ADDRESS, trust: Trust = TRUST) -> Reason | str:
    """The reason, or ``usable``."""
    ders = [one if isinstance(one, bytes) else one.der for one in certificates]
    answer = usable(ders, address, NOW, trust)
    return answer.reason if isinstance(answer, Refusal) else "usable"


def below(*chain: Issued) -> Trust:
    """The root trusted, these known."""
    return Trust(anchors=(root().certificate,), intermediates=tuple(one.certificate for one in chain))


REFUSED: dict[str, tuple[Issued | bytes, Reason]] = {
    "expired yesterday": (person(ADDRESS, issuer=intermediate(), end=NOW - DAY), "certificate_expired"),
    "valid tomorrow": (person(ADDRESS, issuer=intermediate(), start=NOW + DAY), "certificate_not_yet_valid"),
    "self-signed": (person(ADDRESS, issuer=None), "certificate_untrusted"),
    "another authority": (person(ADDRESS, issuer=authority("Evil Root")), "certificate_untrusted"),
    "an authority that only has the name of ours": (
        person(ADDRESS, issuer=authority("Fictional Mail Authority", key=rsa_key("impostor"))),
        "certificate_untrusted",
    ),
    "another mailbox": (person("sam@council.example", issuer=intermediate()), "certificate_name_mismatch"),
    "another domain": (person("jo.worker@evil.example", issuer=intermediate()), "certificate_name_mismatch"),
    "another case of the local part": (
        person("Jo.Worker@council.example", issuer=intermediate()),
        "certificate_name_mismatch",
    ),
    "no mailbox at all": (person(issuer=intermediate()), "certificate_name_mismatch"),
    "the address only in the subject, another one in SAN": (
        person("sam@council.example", issuer=intermediate(), subject_email=ADDRESS),
        "certificate_name_mismatch",
    ),
    "for web servers": (person(ADDRESS, issuer=intermediate(), purposes=SERVER), "certificate_wrong_purpose"),
    "for signing only": (person(ADDRESS, issuer=intermediate(), usage=False), "certificate_wrong_purpose"),
    "1024 bits": (person(ADDRESS, issuer=intermediate(), key=rsa_key("small", 1024)), "certificate_weak"),
    "signed over SHA-1": (signed_over_sha1(GOOD, intermediate()), "certificate_weak"),
    "an elliptic curve": (
        person(ADDRESS, issuer=intermediate(), key=curve_key("jo"), usage=False),
        "certificate_unsupported",
    ),
    "a critical extension nobody knows": (
        person(ADDRESS, issuer=intermediate(), unknown_critical=True),
        "certificate_unsupported",
    ),
    "empty": (b"", "certificate_unreadable"),
    "PEM, not DER": (GOOD.pem, "certificate_unreadable"),
    "cut short": (GOOD.der[:-20], "certificate_unreadable"),
    "something after it": (GOOD.der + b"x", "certificate_unreadable"),
    "its signature changed": (GOOD.der[:-1] + bytes([GOOD.der[-1] ^ 1]), "certificate_untrusted"),
}

ACCEPTED: dict[str, Issued] = {
    "the address in SAN": GOOD,
    "the address only in the subject": person(issuer=intermediate(), subject_email=ADDRESS),
    "one of several in SAN": person("sam@council.example", ADDRESS, issuer=intermediate()),
    "the domain in capitals": person("jo.worker@COUNCIL.Example", issuer=intermediate()),
    "no extendedKeyUsage": person(ADDRESS, issuer=intermediate(), purposes=()),
    "any purpose": person(ADDRESS, issuer=intermediate(), purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
    "no keyUsage": person(ADDRESS, issuer=intermediate(), usage=None),
    "by the root itself": person(ADDRESS, issuer=root()),
    "valid from this second": person(ADDRESS, issuer=intermediate(), start=NOW),
    "valid until this second": person(ADDRESS, issuer=intermediate(), end=NOW),
    "3072 bits": person(ADDRESS, issuer=intermediate(), key=rsa_key("large", 3072)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(what: str) -> None:
    certificate, reason = REFUSED[what]
    assert asked(certificate) == reason


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted(what: str) -> None:
    answer = usable([ACCEPTED[what].der], ADDRESS, NOW, TRUST)
    assert isinstance(answer, Usable)
    assert answer.fingerprint == ACCEPTED[what].fingerprint
    assert answer.certificate == ACCEPTED[what].certificate


def test_none_on_file() -> None:
    assert asked() == "no_certificate"


def test_international_domains_match_in_either_form() -> None:
    certificate = person("jo@xn--bcher-kva.example", issuer=intermediate())
    assert asked(certificate, address="jo@bücher.example") == "usable"
    assert asked(certificate, address="jo@BÜCHER.example") == "usable"
    assert asked(certificate, address="jo@bucher.example") == "certificate_name_mismatch"


class TestPins:
    SELF = person(ADDRESS, issuer=None)

    def test_a_pinned_certificate_needs_no_chain(self) -> None:
        assert asked(self.SELF, trust=Trust(pinned=frozenset({self.SELF.fingerprint}))) == "usable"

    def test_a_pin_is_read_as_people_write_it(self) -> None:
        written = ":".join(self.SELF.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
        assert asked(self.SELF, trust=Trust.from_pem(pinned=[f" {written} "])) == "usable"

    def test_a_pin_is_of_one_certificate(self) -> None:
        other = person(ADDRESS, issuer=None)
        assert asked(other, trust=Trust(pinned=frozenset({self.SELF.fingerprint}))) == "certificate_untrusted"

    @pytest.mark.parametrize(
        ("certificate", "reason"),
        [
            (person(ADDRESS, issuer=None, end=NOW - DAY), "certificate_expired"),
            (person("sam@council.example", issuer=None), "certificate_name_mismatch"),
            (person(ADDRESS, issuer=None, purposes=SERVER), "certificate_wrong_purpose"),
            (person(ADDRESS, issuer=None, key=rsa_key("small", 1024)), "certificate_weak"),
        ],
    )
    def test_a_pin_excuses_nothing_else(self, certificate: Issued, reason: Reason) -> None:
        assert asked(certificate, trust=Trust(pinned=frozenset({certificate.fingerprint}))) == reason


def mail_authority(**options: object) -> Issued:
    return authority("Odd Authority", issuer=root(), **options)  # type: ignore[arg-type]  # passed through


class TestTheChain:
    @pytest.mark.parametrize(
        "options",
        [
            {"end": NOW - DAY},
            {"start": NOW + DAY},
            {"ca": False},
            {"cert_sign": False},
            {"purposes": SERVER},
            {"unknown_critical": True},
            {"bits": 1024},
            {"permitted": [x509.RFC822Name("other.example")]},
            {"permitted": [x509.RFC822Name("sam@council.example")]},
            {"permitted": [x509.RFC822Name(".council.example")]},
            {"excluded": [x509.RFC822Name("council.example")]},
            {"excluded": [x509.RFC822Name(ADDRESS)]},
            {"permitted": [x509.DirectoryName(name("x", organisation="Another"))]},
            {"excluded": [x509.DirectoryName(name("Jo Worker"))]},
        ],
        ids=str,
    )
    def test_an_authority_that_may_not_issue_this_breaks_it(self, options: dict[str, object]) -> None:
        odd = mail_authority(**options)
        assert asked(person(ADDRESS, issuer=odd), trust=below(odd)) == "certificate_untrusted"

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"path_length": 0},
            {"purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)},
            {"permitted": [x509.RFC822Name("council.example")]},
            {"permitted": [x509.RFC822Name("other.example"), x509.RFC822Name(".example")]},
            {"permitted": [x509.RFC822Name(ADDRESS)]},
            {"excluded": [x509.RFC822Name("other.example")]},
            {"permitted": [x509.DNSName("web.example")]},
        ],
        ids=str,
    )
    def test_an_authority_that_may(self, options: dict[str, object]) -> None:
        fair = mail_authority(**options)
        assert asked(person(ADDRESS, issuer=fair), trust=below(fair)) == "usable"

    def test_an_authority_with_an_elliptic_curve_key(self) -> None:
        curve = authority("Curve Authority", issuer=root(), key=curve_key("authority"))
        assert asked(person(ADDRESS, issuer=curve), trust=below(curve)) == "usable"

    def test_a_chain_without_end_is_not_followed(self) -> None:
        links = [root()]
        for number in range(7):
            links.append(authority(f"Link {number}", issuer=links[-1], key=rsa_key("links")))
        assert asked(person(ADDRESS, issuer=links[3]), trust=below(*links[1:])) == "usable"
        assert asked(person(ADDRESS, issuer=links[7]), trust=below(*links[1:])) == "certificate_untrusted"

    def test_a_missing_link(self) -> None:
        assert asked(GOOD, trust=below()) == "certificate_untrusted"

    def test_an_authority_on_file_beside_the_certificate_is_a_link_but_no_anchor(self) -> None:
        assert asked(GOOD, intermediate(), trust=below()) == "usable"
        assert asked(GOOD, intermediate(), root(), trust=Trust()) == "certificate_untrusted"

    def test_an_intermediate_may_be_the_anchor(self) -> None:
        assert asked(GOOD, trust=Trust(anchors=(intermediate().certificate,))) == "usable"

    def test_an_expired_anchor_ends_its_trust(self) -> None:
        old = authority("Old Root", end=NOW - DAY)
        trust = Trust(anchors=(old.certificate,))
        assert asked(person(ADDRESS, issuer=old), trust=trust) == "certificate_untrusted"

    def test_path_length(self) -> None:
        upper = authority("Upper", issuer=root(), path_length=0)
        lower = authority("Lower", issuer=upper)
        assert asked(person(ADDRESS, issuer=lower), trust=below(upper, lower)) == "certificate_untrusted"
        upper = authority("Upper One", issuer=root(), path_length=1)
        lower = authority("Lower One", issuer=upper)
        assert asked(person(ADDRESS, issuer=lower), trust=below(upper, lower)) == "usable"

    def test_an_intermediate_signed_over_sha1(self) -> None:
        weak = x509.load_der_x509_certificate(signed_over_sha1(intermediate(), root()))
        trust = Trust(anchors=(root().certificate,), intermediates=(weak,))
        assert asked(GOOD, trust=trust) == "certificate_untrusted"

    def test_a_person_is_no_authority(self) -> None:
        forged = person(ADDRESS, issuer=GOOD, key=rsa_key("forger"))
        assert asked(forged, GOOD, trust=below(intermediate(), GOOD)) == "usable", "GOOD itself still is"
        assert asked(forged, trust=below(intermediate(), GOOD)) == "certificate_untrusted"

    def test_a_second_way_is_found_where_the_first_is_closed(self) -> None:
        closed = authority("Cross", issuer=root(), end=NOW - DAY, key=rsa_key("cross"))
        open_way = authority("Cross", issuer=root(), key=rsa_key("cross"))
        leaf = person(ADDRESS, issuer=open_way)
        assert asked(leaf, trust=below(closed, open_way)) == "usable"

    def test_a_ring_ends(self) -> None:
        one = authority("Ring One", key=rsa_key("ring one"))
        two = authority("Ring Two", issuer=one, key=rsa_key("ring two"))
        back = authority("Ring One", issuer=two, key=rsa_key("ring one"))
        assert asked(person(ADDRESS, issuer=two), trust=below(one, two, back)) == "certificate_untrusted"


class TestTheChoice:
    OLD = person(ADDRESS, issuer=intermediate(), start=NOW - 400 * DAY)
    NEW = person(ADDRESS, issuer=intermediate(), start=NOW - 10 * DAY, key=rsa_key("renewed"))

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_newest_of_the_usable_ones(self, order: Sequence[int]) -> None:
        both = [self.OLD.der, self.NEW.der]
        answer = usable([both[index] for index in order], ADDRESS, NOW, TRUST)
        assert isinstance(answer, Usable) and answer.fingerprint == self.NEW.fingerprint

    def test_a_usable_one_among_bad_ones(self) -> None:
        bad = [certificate for certificate, _ in REFUSED.values()]
        assert asked(*bad, GOOD, *bad) == "usable"

    @pytest.mark.parametrize(
        ("whats", "reason"),
        [
            (("empty", "another mailbox"), "certificate_name_mismatch"),
            (("another mailbox", "expired yesterday"), "certificate_expired"),
            (("expired yesterday", "for web servers", "empty"), "certificate_expired"),
            (("1024 bits", "another mailbox", "an elliptic curve"), "certificate_weak"),
            (("self-signed", "expired yesterday"), "certificate_untrusted"),
            (("valid tomorrow", "for signing only"), "certificate_not_yet_valid"),
            (("valid tomorrow", "expired yesterday"), "certificate_expired"),
        ],
    )
    def test_the_most_telling_refusal_in_any_order(self, whats: Sequence[str], reason: Reason) -> None:
        candidates = [REFUSED[what][0] for what in whats]
        assert asked(*candidates) == asked(*reversed(candidates)) == reason


class TestTheClock:
    """Answers are kept, and none longer than it is so."""

    SOON, LATER = NOW + DAY, NOW + 9 * DAY
    BETWEEN = authority("For A Week", issuer=root(), start=SOON, end=LATER)
    SHORT = person(ADDRESS, issuer=BETWEEN, start=NOW, end=LATER + DAY)
    NEXT = person(ADDRESS, issuer=intermediate(), start=LATER, end=LATER + 5 * DAY, key=rsa_key("next"))
    INSTANT = timedelta.resolution

    def at(self, now: datetime, *certificates: Issued) -> Reason | str:
        answer = usable([one.der for one in certificates], ADDRESS, now, below(self.BETWEEN, intermediate()))
        return answer.reason if isinstance(answer, Refusal) else answer.fingerprint

    def test_each_begins_and_ends_to_the_instant_and_the_clock_may_go_back(self) -> None:
        course: list[tuple[datetime, Reason | str]] = [
            (NOW - self.INSTANT, "certificate_not_yet_valid"),
            (NOW, "certificate_untrusted"),
            (self.SOON - self.INSTANT, "certificate_untrusted"),
            (self.SOON, self.SHORT.fingerprint),
            (self.LATER - self.INSTANT, self.SHORT.fingerprint),
            (self.LATER, self.NEXT.fingerprint),
            (self.LATER + self.INSTANT, self.NEXT.fingerprint),
            (self.NEXT.certificate.not_valid_after_utc, self.NEXT.fingerprint),
            (self.NEXT.certificate.not_valid_after_utc + self.INSTANT, "certificate_expired"),
            (datetime.min.replace(tzinfo=UTC), "certificate_not_yet_valid"),
            (datetime.max.replace(tzinfo=UTC), "certificate_expired"),
        ]
        for now, answer in (*course, *reversed(course)):
            assert self.at(now, self.SHORT, self.NEXT) == answer, now

    def test_another_certificate_pin_or_anchor_is_another_question(self) -> None:
        own = person(ADDRESS, issuer=None)
        for _ in range(2):
            assert asked(own) == "certificate_untrusted"
            assert asked(own, trust=replace(TRUST, pinned=frozenset({own.fingerprint}))) == "usable"
            assert asked(GOOD) == "usable"
            assert asked(GOOD, trust=Trust(intermediates=TRUST.intermediates)) == "certificate_untrusted"
            assert asked(GOOD, address="sam@council.example") == "certificate_name_mismatch"
            assert asked() == "no_certificate"


# The library warns of a negative serial number, and reads on.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=100)
@given(st.integers(0, len(GOOD.der) - 1), st.integers(1, 255))
def test_no_changed_byte_makes_it_raise_or_trusted(position: int, change: int) -> None:
    """Fails closed: whatever a damaged certificate says, it is refused for some reason."""
    der = bytearray(GOOD.der)
    der[position] ^= change
    assert asked(bytes(der)) != "usable"


@given(st.binary(max_size=300))
def test_rubbish_is_unreadable(der: bytes) -> None:
    assert asked(der) == "certificate_unreadable"


def test_answers_do_not_print_the_certificate() -> None:
    answer = usable([GOOD.der], ADDRESS, NOW, TRUST)
    assert ADDRESS not in repr(answer) and "Worker" not in repr(answer)


class TestSigner:
    HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))

    def test_from_pem_with_its_chain(self) -> None:
        signer = Signer.from_pem(certificate=self.HUB.pem + intermediate().pem, key=self.HUB.key_pem)
        assert signer.certificate == self.HUB.certificate
        assert signer.chain == (intermediate().certificate,)
        assert "PrivateKey" not in repr(signer) and "hub.example" not in repr(signer)
        assert signer_problems(signer, "notices@HUB.example", NOW) == ()

    def test_from_an_encrypted_key(self) -> None:
        key = self.HUB.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"correct"),
        )
        assert Signer.from_pem(certificate=self.HUB.pem, key=key, password=b"correct").key is not None
        for password in (None, b"wrong"):
            with pytest.raises(UnusableSigner):
                Signer.from_pem(certificate=self.HUB.pem, key=key, password=password)

    @pytest.mark.parametrize(
        ("certificate", "key"),
        [
            (b"", HUB.key_pem),
            (b"rubbish", HUB.key_pem),
            (HUB.pem, b"rubbish"),
            (HUB.pem, GOOD.key_pem),
            (HUB.key_pem, HUB.pem),
            (person("notices@hub.example", issuer=None, key=rsa_key("small", 1024)).pem,
             person("notices@hub.example", issuer=None, key=rsa_key("small", 1024)).key_pem),
        ],
    )  # fmt: skip
    def test_one_that_cannot_be_used_is_refused_at_the_start(self, certificate: bytes, key: bytes) -> None:
        with pytest.raises(UnusableSigner):
            Signer.from_pem(certificate=certificate, key=key)

    def test_what_recipients_will_be_warned_of(self) -> None:
        signer = Signer(certificate=self.HUB.certificate, key=self.HUB.key)
        assert len(signer_problems(signer, "other@hub.example", NOW)) == 1
        assert len(signer_problems(signer, "notices@hub.example", END + DAY)) == 1
        assert len(signer_problems(signer, "notices@hub.example", START - DAY)) == 1
