"""GOV.UK Notify: its errors and statuses as results and receipts, and its callbacks believed only with the token."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.credentials import Secret
from adapters.port import Deferred, Receipt, Rejected, Unconfirmed
from adapters.sms.govuk_callbacks import LARGEST, Unauthorised, delivery_receipt, received_text
from adapters.sms.govuk_codes import ERRORS, STATUSES, classify
from adapters.sms.inbound import Reply, Unreadable
from tests.kit.transport import NOW

TOKENS = (Secret("present-token-of-the-operator"), Secret("the-one-before"))
BEARER = "Bearer present-token-of-the-operator"
ID = "740e5834-3a29-46b4-9a6f-16142fde533a"
RECEIPT = {
    "id": ID,
    "reference": "de_1",
    "to": "07700900123",
    "status": "delivered",
    "created_at": "2026-03-01T19:29:00.000000Z",
    "completed_at": "2026-03-01T19:29:30.123456Z",
    "sent_at": "2026-03-01T19:29:10.000000Z",
    "notification_type": "sms",
    "template_id": "f33517ff-2a88-4f6e-b855-c550268ce08a",
    "template_version": 1,
}
TEXT = {
    "id": ID,
    "source_number": "447700900123",
    "destination_number": "07700900999",
    "message": "1 CDF234",
    "date_received": "2026-03-01T19:29:30.000000Z",
}


def body(base: dict[str, object], **change: object) -> bytes:
    return json.dumps({key: value for key, value in {**base, **change}.items() if value != "absent"}).encode()


def posted(**change: object) -> Receipt | Unreadable | Unauthorised:
    return delivery_receipt(body(RECEIPT, **change), BEARER, TOKENS, NOW)


def test_a_delivered_message() -> None:
    assert posted() == Receipt(
        channel="sms",
        kind="delivered",
        at=datetime(2026, 3, 1, 19, 29, 30, 123456, tzinfo=UTC),
        delivery="de_1",
        code="delivered",
    )


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("permanent-failure", "bounced", "rejected"),
        ("temporary-failure", "expired", "rejected"),
        ("technical-failure", "bounced", "provider_unavailable"),
        ("sent", "relayed", None),
    ],
)
def test_other_ends(status: str, kind: str, reason: str | None) -> None:
    receipt = posted(status=status)
    assert isinstance(receipt, Receipt)
    assert (receipt.kind, receipt.reason, receipt.code) == (kind, reason, status)


@pytest.mark.parametrize("status", ["created", "sending", "pending", "eaten"])
def test_a_status_that_is_no_end_or_unknown_is_kept_apart(status: str) -> None:
    kept = posted(status=status)
    assert isinstance(kept, Unreadable)
    assert kept.why == "status"


def test_every_documented_status_is_known() -> None:
    documented = "created sending pending sent delivered permanent-failure temporary-failure technical-failure"
    assert set(STATUSES) == set(documented.split())


@pytest.mark.parametrize("reference", [None, "", "absent"])
def test_a_message_without_a_reference_is_named_by_notifys_id(reference: object) -> None:
    found = posted(reference=reference)
    if reference == "":
        assert isinstance(found, Unreadable)
    else:
        assert isinstance(found, Receipt)
        assert (found.delivery, found.provider_reference) == (None, ID)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-03-01T19:29:30Z", datetime(2026, 3, 1, 19, 29, 30, tzinfo=UTC)),
        ("2026-03-01T20:29:30+01:00", datetime(2026, 3, 1, 19, 29, 30, tzinfo=UTC)),
        ("2026-03-01T19:29:30", datetime(2026, 3, 1, 19, 29, 30, tzinfo=UTC)),
        ("2031-03-01T19:29:30Z", NOW),
        ("yesterday", NOW),
        (None, NOW),
        ("absent", NOW),
    ],
)
def test_when_it_happened_is_believed_within_reason(said: object, at: datetime) -> None:
    receipt = posted(completed_at=said)
    assert isinstance(receipt, Receipt)
    assert receipt.at == at


@pytest.mark.parametrize(
    "change",
    [
        {"id": "absent"},
        {"id": "not-a-uuid"},
        {"status": "absent"},
        {"status": 7},
        {"reference": "x" * 300},
        {"notification_type": "fax"},
    ],
)
def test_a_body_of_another_shape_is_kept_as_it_came(change: dict[str, object]) -> None:
    kept = posted(**change)
    assert isinstance(kept, Unreadable)
    assert kept.why == "body"
    assert kept.raw == body(RECEIPT, **change)
    assert "07700900123" not in repr(kept)


def test_an_email_that_shares_the_service_is_none_of_ours() -> None:
    kept = posted(notification_type="email", to="jo@council.example")
    assert isinstance(kept, Unreadable)
    assert kept.why == "notification_type"


def test_keys_that_notify_adds_later_are_no_mistake() -> None:
    assert isinstance(posted(provider="somebody"), Receipt)


def test_a_body_that_is_too_long_is_cut() -> None:
    kept = delivery_receipt(b"[" * (LARGEST + 1), BEARER, TOKENS, NOW)
    assert isinstance(kept, Unreadable)
    assert (kept.why, len(kept.raw)) == ("size", LARGEST)


@pytest.mark.parametrize("header", [BEARER, "bearer present-token-of-the-operator", "Bearer the-one-before"])
def test_both_tokens_are_taken_while_one_is_changed(header: str) -> None:
    assert isinstance(delivery_receipt(body(RECEIPT), header, TOKENS, NOW), Receipt)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer present-token-of-the-operator ",
        "Bearer present-token-of-the-operato",
        "Basic present-token-of-the-operator",
        "present-token-of-the-operator",
        "Bearer hüb",
    ],
)
def test_without_the_token_nothing_is_looked_at(header: str | None) -> None:
    for tokens in (TOKENS, (), (Secret(""),)):
        assert delivery_receipt(b"\xff", header, tokens, NOW) == Unauthorised()
        assert received_text(b"\xff", header, tokens, NOW) == Unauthorised()


def test_a_received_text_is_a_reply() -> None:
    found = received_text(body(TEXT), BEARER, TOKENS, NOW)
    assert found == Reply(source="+447700900123", text="1 CDF234", at=NOW, provider_reference=ID)


@pytest.mark.parametrize("number", ["447700900123", "+447700900123", "07700900123", "07700 900123"])
def test_a_number_however_it_is_written(number: str) -> None:
    found = received_text(body(TEXT, source_number=number), BEARER, TOKENS, NOW)
    assert isinstance(found, Reply)
    assert found.source == "+447700900123"


@pytest.mark.parametrize("number", ["GOVUK", "60777", ""])
def test_a_name_is_nobody_we_write_to(number: str) -> None:
    assert isinstance(received_text(body(TEXT, source_number=number), BEARER, TOKENS, NOW), Unreadable)


@given(
    raw=st.binary(max_size=400) | st.lists(st.none() | st.text(max_size=9) | st.integers(), max_size=4).map(json.dumps)
)
def test_nothing_that_is_posted_raises(raw: bytes | str) -> None:
    data = raw if isinstance(raw, bytes) else raw.encode()
    assert isinstance(delivery_receipt(data, BEARER, TOKENS, NOW), Unreadable)
    assert isinstance(received_text(data, BEARER, TOKENS, NOW), Unreadable)


@given(completed=st.datetimes(timezones=st.just(UTC)))
def test_no_receipt_is_from_the_future(completed: datetime) -> None:
    receipt = posted(completed_at=completed.isoformat())
    assert isinstance(receipt, Receipt)
    assert receipt.at <= NOW + timedelta(minutes=5)


@pytest.mark.parametrize("phase", ["lookup", "send"])
@given(status=st.integers(100, 999), error=st.text(max_size=60), wait=st.text(max_size=10))
def test_every_answer_means_something_and_no_words_get_through(phase: str, status: int, error: str, wait: str) -> None:
    result = classify(phase, status, f"{error} FREE", retry_after=wait)  # type: ignore[arg-type]  # one of the two
    assert "FREE" not in repr(result)
    assert result.reason
    if phase == "lookup":
        assert not isinstance(result, Unconfirmed)


def test_the_table_of_errors_is_walked() -> None:
    for (status, name), (reason, technical) in ERRORS.items():
        found = classify("send", status, name)
        assert found == Rejected(reason=reason, detail=f"{status} {name} SEND", technical=technical)


@pytest.mark.parametrize("status", [401, 403])
def test_a_clock_gets_set_right_so_it_is_tried_again(status: int) -> None:
    assert isinstance(classify("lookup", status, "AuthError", clock_off=True), Deferred)
    assert isinstance(classify("lookup", 400, "BadRequestError", clock_off=True), Rejected)
