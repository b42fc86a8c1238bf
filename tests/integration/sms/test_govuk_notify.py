"""GOV.UK Notify: never two messages where one is known of, doubt where there is doubt, and faults named."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator

import pytest

from adapters.email.credentials import Secret
from adapters.port import UNTOUCHED, Accepted, Alert, Deferred, Envelope, Rejected, Result, Unconfirmed
from adapters.sms.govuk_codes import STATUSES
from adapters.sms.govuk_notify import GovukNotify
from adapters.sms.text import alert_text
from tests.kit.govuk_notify import KEY, SENDER, SMOKE_NUMBERS, TEMPLATE, Fault, Notify, notify_server
from tests.kit.transport import NOW

NUMBER = "+447700900123"
TEXT = alert_text("FP-2345-6789", link="https://hub.example/c/abc", code="CDFGHJ")


@pytest.fixture
async def server() -> AsyncIterator[Notify]:
    async with notify_server() as state:
        yield state


@pytest.fixture
async def transport(server: Notify) -> AsyncIterator[GovukNotify]:
    made = a_transport(server)
    yield made
    await made.aclose()


def a_transport(server: Notify, **more: object) -> GovukNotify:
    settings = {"ca_file": server.ca_file, "timeout": 5.0, "total": 8.0, "base_url": server.url, **more}
    return GovukNotify(api_key=Secret(KEY), template_id=TEMPLATE, **settings)  # type: ignore[arg-type]  # passed through


def envelope(delivery: str = "de_1", *, address: str = NUMBER, text: str = TEXT) -> Envelope:
    return Envelope(
        delivery=delivery, reference="FP-2345-6789", address=address, body=Alert(subject="A notice", text=text)
    )


async def sent(transport: GovukNotify, **more: str) -> Result:
    return await transport.deliver(envelope(**more), NOW)  # type: ignore[arg-type]  # each of its own type


async def test_what_notify_is_sent(server: Notify, transport: GovukNotify) -> None:
    result = await sent(transport)
    assert isinstance(result, Accepted)
    assert server.posted == [
        {
            "phone_number": NUMBER,
            "template_id": TEMPLATE,
            "personalisation": {"text": TEXT},
            "reference": "de_1",
        }
    ]
    assert result.provider_reference == server.kept[0]["id"]
    assert server.kept[0]["body"] == f"Hub: {TEXT}"


async def test_the_sender_is_named_where_one_is_set(server: Notify) -> None:
    transport = a_transport(server, sms_sender_id=SENDER)
    await sent(transport)
    await transport.aclose()
    assert server.posted[0]["sms_sender_id"] == SENDER


@pytest.mark.parametrize(
    "lost", [Fault(drop=True), Fault(status=504), Fault(raw=b"{")], ids=["cut", "gateway", "garbage"]
)
async def test_a_message_whose_answer_was_lost_is_not_sent_again(
    server: Notify, transport: GovukNotify, lost: Fault
) -> None:
    server.fail("sent", lost)
    assert isinstance(await sent(transport), Unconfirmed)
    again = await sent(transport)
    assert isinstance(again, Accepted)
    assert again.provider_reference == server.kept[0]["id"]
    assert len(server.kept) == len(server.posted) == 1


async def test_a_message_that_another_process_sent_and_never_wrote_down_is_not_sent_again(server: Notify) -> None:
    for _ in range(2):  # a transport of its own each, as after a crash
        transport = a_transport(server)
        assert isinstance(await sent(transport), Accepted)
        await transport.aclose()
    assert len(server.kept) == 1


async def test_at_most_one_more_is_sent_while_notify_does_not_list_it_yet(
    server: Notify, transport: GovukNotify
) -> None:
    server.fail("sent", Fault(drop=True))
    assert isinstance(await sent(transport), Unconfirmed)
    late = server.kept.pop()
    assert isinstance(await sent(transport), Accepted)
    server.kept.append(late)
    assert isinstance(await sent(transport), Accepted)
    assert len(server.posted) == 2


async def test_the_message_of_another_delivery_is_no_reason_not_to_send(server: Notify, transport: GovukNotify) -> None:
    await sent(transport)
    assert isinstance(await sent(transport, delivery="de_2"), Accepted)
    assert server.keys == ["de_1", "de_2"]


@pytest.mark.parametrize(
    ("status", "again"),
    [(status, status in {"temporary-failure", "technical-failure"}) for status in STATUSES],
)
async def test_what_notify_gave_up_is_sent_again_and_nothing_else(
    server: Notify, transport: GovukNotify, status: str, again: bool
) -> None:
    await sent(transport)
    server.kept[0]["status"] = status
    assert isinstance(await sent(transport), Accepted)
    assert len(server.posted) == (2 if again else 1)


async def test_nothing_is_sent_while_it_cannot_be_asked(server: Notify, transport: GovukNotify) -> None:
    server.fail("lookup", Fault(status=500), Fault(drop=True), Fault(raw=b"<html>"))
    for _ in range(3):
        assert isinstance(await sent(transport), Deferred)
    assert server.posted == []


@pytest.mark.parametrize("number", SMOKE_NUMBERS)
async def test_smoke_test_numbers_are_taken(server: Notify, transport: GovukNotify, number: str) -> None:
    assert isinstance(await sent(transport, address=number), Accepted)
    assert server.kept == []


async def test_a_template_that_does_not_show_the_text_is_a_fault_and_named(
    server: Notify, transport: GovukNotify
) -> None:
    server.template = "Something is waiting for you."
    expected = Rejected(reason="misconfigured", detail="the template does not show the text", technical=True)
    assert await sent(transport) == expected
    assert await sent(transport) == expected, "found when asked for, it still does not show the text"
    assert len(server.posted) == 1


async def test_white_space_that_notify_tidies_is_no_other_text(server: Notify, transport: GovukNotify) -> None:
    server.template = "Hub: ((text))"
    text = "Reference FP-2345-6789.\n\n\nRing the hub."
    assert isinstance(await sent(transport, text=text), Accepted)
    server.kept[0]["body"] = "Hub: Reference FP-2345-6789.\n\nRing the hub."
    assert isinstance(await sent(transport, text=text), Accepted)


@pytest.mark.parametrize("ahead", [-45, 45])
async def test_a_clock_that_is_off_is_told_from_a_wrong_key(server: Notify, transport: GovukNotify, ahead: int) -> None:
    server.clock = lambda: time.time() + ahead
    result = await sent(transport)
    assert result == Deferred(reason="misconfigured", detail="403 AuthError LOOKUP CLOCK")


async def test_a_clock_that_is_off_by_little_does_no_harm(server: Notify, transport: GovukNotify) -> None:
    server.clock = lambda: time.time() + 10
    assert isinstance(await sent(transport), Accepted)


async def test_a_key_of_another_service_is_refused(server: Notify) -> None:
    wrong = KEY[:-1] + ("1" if KEY[-1] == "0" else "0")
    transport = GovukNotify(
        api_key=Secret(wrong), template_id=TEMPLATE, base_url=server.url, ca_file=server.ca_file, timeout=5, total=8
    )
    result = await sent(transport)
    await transport.aclose()
    assert result == Rejected(reason="misconfigured", detail="403 AuthError LOOKUP", technical=True)


async def test_a_wait_that_notify_asks_for_is_kept(server: Notify, transport: GovukNotify) -> None:
    server.fail("send", Fault(status=429, error="RateLimitError", headers=(("Retry-After", "17"),)))
    result = await sent(transport)
    assert result == Deferred(reason="rate_limited", detail="429 RateLimitError SEND", retry_after=17.0)


async def test_a_redirect_is_not_followed(server: Notify, transport: GovukNotify) -> None:
    elsewhere = (("Location", f"{server.url}/v2/elsewhere"),)
    server.fail("lookup", Fault(status=307, headers=elsewhere))
    assert isinstance(await sent(transport), Rejected)
    server.fail("send", Fault(status=307, headers=elsewhere))
    assert not isinstance(await sent(transport), Accepted)
    assert not any(b"elsewhere" in request.split(b"\n")[0] for request in server.requests)


async def test_a_certificate_of_nobody_known_is_not_spoken_to(server: Notify) -> None:
    transport = a_transport(server, ca_file=None)
    result = await sent(transport)
    await transport.aclose()
    assert result == Deferred(reason="tls_failed", detail="SSLCertVerificationError")
    assert server.requests == []


async def test_the_roots_of_the_settings_hold_whatever_the_environment_says(
    server: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent.pem")
    transport = a_transport(server)
    assert isinstance(await sent(transport), Accepted)
    await transport.aclose()


async def test_nobody_at_home_is_told_from_doubt(server: Notify) -> None:
    transport = a_transport(server, base_url="http://127.0.0.1:9")
    result = await sent(transport)
    await transport.aclose()
    assert isinstance(result, Deferred)
    assert result.reason == "connection_failed"


async def test_silence_is_doubt_only_once_the_message_went_out(server: Notify) -> None:
    transport = a_transport(server, timeout=1.5, total=6.0)
    server.fail("lookup", Fault(hang=True))
    assert isinstance(await sent(transport), Deferred)
    server.fail("sent", Fault(hang=True))
    assert isinstance(await sent(transport), Unconfirmed)
    await transport.aclose()


async def test_the_whole_try_has_a_limit_with_the_wait_for_a_thread(server: Notify) -> None:
    transport = a_transport(server, timeout=1.0, total=1.6, at_most=1)
    server.fail("lookup", Fault(hang=True), Fault(hang=True))
    results = await asyncio.gather(sent(transport), sent(transport, delivery="de_2"))
    assert results == [
        Deferred(reason="provider_unavailable", detail="ReadTimeout"),
        Deferred(reason="provider_unavailable", detail="TimeoutError"),
    ]
    await transport.aclose()


@pytest.mark.parametrize(("place", "untouched"), [("lookup", True), ("send", False), ("sent", False)])
async def test_a_cancelled_try_says_whether_anything_was_handed_over(
    server: Notify, transport: GovukNotify, place: str, untouched: bool
) -> None:
    server.fail(place, Fault(hang=True))  # type: ignore[arg-type]  # one of the places
    sending = asyncio.create_task(sent(transport))
    await server.reached.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await sending
    assert (raised.value.args == (UNTOUCHED,)) is untouched


async def test_each_thread_has_a_client_of_its_own_and_all_of_them_end(server: Notify) -> None:
    before = {thread for thread in threading.enumerate() if thread.name == "sms"}
    transport = a_transport(server, at_most=3)
    results = await asyncio.gather(*(sent(transport, delivery=f"de_{n}") for n in range(12)))
    assert all(isinstance(result, Accepted) for result in results)
    ours = [thread for thread in threading.enumerate() if thread.name == "sms" and thread not in before]
    assert 1 <= len(ours) <= 3
    assert all(thread.daemon for thread in ours)
    assert len(server.connections) <= 3
    await transport.aclose()
    for thread in ours:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()


async def test_the_providers_words_are_not_logged(
    server: Notify, transport: GovukNotify, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail("send", Fault(status=400, error="BadRequestError", message=f"about {NUMBER}"))
    await sent(transport)
    assert not any(NUMBER in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"api_key": Secret("no-key")}, "api_key"),
        ({"api_key": Secret("")}, "api_key"),
        ({"template_id": "text"}, "template_id"),
        ({"sms_sender_id": "HUB"}, "sms_sender_id"),
        ({"base_url": "http://api.notify.example"}, "https"),
        ({"timeout": 60.0}, "total"),
        ({"at_most": 0}, "at_most"),
    ],
)
def test_settings_that_cannot_work_are_named_and_not_shown(wrong: dict[str, object], named: str) -> None:
    settings: dict[str, object] = {"api_key": Secret(KEY), "template_id": TEMPLATE, **wrong}
    with pytest.raises(ValueError, match=named) as raised:
        GovukNotify(**settings)  # type: ignore[arg-type]  # that is the test
    assert "no-key" not in str(raised.value)
    assert KEY not in str(raised.value)
