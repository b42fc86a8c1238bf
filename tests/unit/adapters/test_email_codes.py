"""Permanent and temporary, theirs and ours, are told apart; what nobody knows is a technical failure."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.codes import CODES, SUBJECTS, Phase, classify, queue_id
from adapters.port import Deferred, Reason, Rejected

PHASES = get_args(Phase)


@pytest.mark.parametrize(
    ("phase", "code", "text", "expected"),
    [
        ("rcpt", 550, "5.1.1 no such user", Rejected(reason="rejected", detail="550 5.1.1 RCPT")),
        ("rcpt", 550, "no such user", Rejected(reason="rejected", detail="550 RCPT")),
        ("rcpt", 450, "4.2.2 full", Deferred(reason="rejected", detail="450 4.2.2 RCPT")),
        ("rcpt", 552, "full", Rejected(reason="rejected", detail="552 RCPT")),
        ("content", 552, "too big", Rejected(reason="too_large", detail="552 CONTENT")),
        ("mail", 552, "5.3.4 too big", Rejected(reason="too_large", detail="552 5.3.4 MAIL")),
        ("rcpt", 530, "5.7.0 TLS first", Rejected(reason="misconfigured", detail="530 5.7.0 RCPT", technical=True)),
        ("login", 535, "5.7.8 no", Rejected(reason="misconfigured", detail="535 5.7.8 LOGIN", technical=True)),
        ("login", 454, "4.7.0 later", Deferred(reason="misconfigured", detail="454 4.7.0 LOGIN")),
        ("mail", 550, "5.7.1 no", Rejected(reason="misconfigured", detail="550 5.7.1 MAIL", technical=True)),
        ("mail", 421, "4.7.0 bye", Deferred(reason="provider_unavailable", detail="421 4.7.0 MAIL")),
        ("connect", 554, "no service", Rejected(reason="provider_unavailable", detail="554 CONNECT", technical=True)),
        ("connect", 421, "busy", Deferred(reason="provider_unavailable", detail="421 CONNECT")),
        ("content", 550, "5.7.26 DMARC", Rejected(reason="misconfigured", detail="550 5.7.26 CONTENT", technical=True)),
        ("content", 450, "4.7.28 rate", Deferred(reason="rate_limited", detail="450 4.7.28 CONTENT")),
        ("tls", 454, "4.7.0 not now", Deferred(reason="tls_failed", detail="454 4.7.0 TLS")),
        ("tls", 501, "what", Deferred(reason="tls_failed", detail="501 TLS")),
        ("rcpt", 599, "", Rejected(reason="unknown", detail="599 RCPT", technical=True)),
        ("rcpt", 499, "", Deferred(reason="unknown", detail="499 RCPT")),
        ("rcpt", 354, "go ahead", Rejected(reason="unknown", detail="354 RCPT", technical=True)),
        ("data", 250, "ok", Rejected(reason="unknown", detail="250 DATA", technical=True)),
        ("rcpt", -1, "garbage", Rejected(reason="unknown", detail="-1 RCPT", technical=True)),
        ("rcpt", 550, "4.1.1 contradicts itself", Rejected(reason="rejected", detail="550 RCPT")),
        ("rcpt", 550, "5.99.99 new", Rejected(reason="rejected", detail="550 5.99.99 RCPT")),
        ("rcpt", 550, "5.1.1234 long", Rejected(reason="rejected", detail="550 RCPT")),
    ],
)  # fmt: skip
def test_the_table(phase: Phase, code: int, text: str, expected: Deferred | Rejected) -> None:
    assert classify(phase, code, text) == expected


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("phase", PHASES)
def test_every_known_code_in_every_phase(phase: Phase, code: int) -> None:
    result = classify(phase, code, "")
    assert isinstance(result, Deferred if code < 500 or phase == "tls" else Rejected)
    assert result.reason != "unknown"
    assert result.reason != "provider_timeout", "a reply is never ambiguous"


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_every_enhanced_code_is_temporary_or_permanent_by_its_class(subject: str) -> None:
    temporary, permanent = classify("rcpt", 451, f"4.{subject} x"), classify("rcpt", 550, f"5.{subject} x")
    assert isinstance(temporary, Deferred) and isinstance(permanent, Rejected)
    assert temporary.reason == permanent.reason == SUBJECTS[subject][0]
    assert permanent.technical == SUBJECTS[subject][1]


@given(st.sampled_from(PHASES), st.integers(-1, 999), st.text(max_size=60))
def test_no_reply_raises_or_is_repeated(phase: Phase, code: int, text: str) -> None:
    result = classify(phase, code, text + " Robin Example")
    assert "Robin" not in repr(result)
    assert result.reason in get_args(Reason)
    assert len(result.detail) < 40


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2.0.0 Ok: queued as 4AB12C3D", "4AB12C3D"),
        ("OK id=1tXyZ1-000AbC-2D", "1tXyZ1-000AbC-2D"),
        ("2.6.0 <robin@x> [InternalId=77] Queued mail for delivery", None),
        ("OK", None),
        ("queued as Robin Example@council.example", "Robin"),
        ("queued as " + "A" * 80, None),
    ],
)
def test_the_relays_id_is_a_token_or_nothing(text: str, found: str | None) -> None:
    assert queue_id(text) == found
