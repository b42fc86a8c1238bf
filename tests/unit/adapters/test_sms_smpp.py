"""SMPP: statuses and states as results and receipts; PDUs of others read without ever raising."""

import struct

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Deferred, Receipt, Rejected
from adapters.sms.inbound import Inbound, Reply, Unreadable
from adapters.sms.smpp_codes import BY_NUMBER, MEANINGS, STATUSES, classify
from adapters.sms.smpp_inbound import read
from adapters.sms.smpp_wire import Command, canonical, message_id, pdu, plain
from tests.kit.transport import NOW

DELIVERED = b"id:7 sub:001 dlvrd:001 submit date:2603011929 done date:2603011930 stat:DELIVRD err:000 text:Secure notic"


def taken_in(
    text: bytes = b"", *, esm_class: int = 0, tlvs: list[tuple[int, bytes]] | None = None, **more: int
) -> Inbound:
    message = smpp34.DeliverSm(
        str(more.pop("source", 447700900123)),
        "447700900999",
        text,
        esm_class=esm_class,
        tlvs=[smpp34.Tlv(tag, value) for tag, value in tlvs or ()],
        sequence_number=1,
        **more,
    )
    return read(message.encode(), NOW, submit_ids="text", receipt_ids="text", alphabet="gsm")


def receipt(inbound: Inbound) -> Receipt:
    assert isinstance(inbound, Receipt), inbound
    return inbound


@pytest.mark.parametrize("number", BY_NUMBER)
def test_a_state_is_the_same_as_a_number_and_in_words(number: int) -> None:
    state = BY_NUMBER[number]
    kind, reason = MEANINGS[state]
    words = receipt(taken_in(f"id:7 stat:{state} err:000".encode(), esm_class=4))
    numbers = receipt(taken_in(esm_class=4, tlvs=[(0x1E, b"7\0"), (0x427, bytes((number,)))]))
    assert (words.kind, words.reason, words.code) == (kind, reason, state)
    assert words == numbers


def test_the_id_in_the_parameter_holds_before_the_one_in_the_text() -> None:
    assert receipt(taken_in(DELIVERED, esm_class=4, tlvs=[(0x1E, b"8\0")])).provider_reference == "8"
    assert receipt(taken_in(DELIVERED, esm_class=4)).provider_reference == "7"


def test_the_parameter_alone_makes_a_receipt() -> None:
    assert receipt(taken_in(tlvs=[(0x1E, b"8\0"), (0x427, b"\x02")])).kind == "delivered"


def test_a_receipt_in_the_payload() -> None:
    assert receipt(taken_in(esm_class=4, tlvs=[(0x424, DELIVERED)])).provider_reference == "7"


def test_the_words_of_our_own_message_are_nobodys_id_or_state() -> None:
    text = b"sub:001 text:id:9 stat:DELIVRD"
    assert isinstance(taken_in(text, esm_class=4), Unreadable)


@pytest.mark.parametrize("error", ["000", "0"])
def test_an_error_of_nought_is_none(error: str) -> None:
    assert receipt(taken_in(f"id:7 stat:UNDELIV err:{error}".encode(), esm_class=4)).code == "UNDELIV"


@pytest.mark.parametrize(
    ("text", "esm_class", "why"),
    [
        (b"stat:DELIVRD", 4, "id"),
        (b"id:7 stat:EATEN", 4, "state"),
        (b"id:7", 4, "state"),
        (b"id:7 stat:DELIVRD", 0x08, "esm_class"),
        (b"id:7 stat:DELIVRD", 0x10, "esm_class"),
    ],
)
def test_what_is_not_understood_is_kept_apart(text: bytes, esm_class: int, why: str) -> None:
    kept = taken_in(text, esm_class=esm_class)
    assert isinstance(kept, Unreadable)
    assert kept.why == why


@pytest.mark.parametrize(
    ("octets", "coding", "header", "text"),
    [
        (b"1 CDF\x11\x00", 0, 0, "1 CDF_@"),
        (b"1 CDF234", 1, 0, "1 CDF234"),
        ("Ja, gelesen é".encode("latin-1"), 3, 0, "Ja, gelesen é"),
        ("1 😀".encode("utf-16-be"), 8, 0, "1 😀"),
        (b"\x05\x00\x03\x01\x02\x011 CDF", 0, 0x40, "1 CDF"),
        (b"", 0, 0x40, ""),
    ],
)
def test_what_a_phone_wrote(octets: bytes, coding: int, header: int, text: str) -> None:
    found = taken_in(octets, esm_class=header, data_coding=coding)
    assert found == Reply(source="+447700900123", text=text, at=NOW)


def test_binary_and_a_name_for_a_sender_are_kept_apart() -> None:
    for kept, why in (
        (taken_in(b"\x01\x02", data_coding=4), "data_coding"),
        (taken_in(b"Hello", source_addr_ton=5), "source_addr"),
        (taken_in(b"Hello", source=101), "source_addr"),
    ):
        assert isinstance(kept, Unreadable)
        assert kept.why == why


@given(raw=st.binary(max_size=200))
def test_no_octets_raise(raw: bytes) -> None:
    framed = struct.pack(">IIII", 16 + len(raw), Command.DELIVER_SM, 0, 1) + raw
    for octets in (raw, framed):
        found = read(octets, NOW, submit_ids="hex", receipt_ids="decimal", alphabet="latin-1")
        assert isinstance(found, Receipt | Reply | Unreadable)


@given(data=st.data())
def test_no_damage_to_a_receipt_raises(data: st.DataObject) -> None:
    whole = bytearray(
        smpp34.DeliverSm(
            "447700900123", "1", DELIVERED, esm_class=4, tlvs=[smpp34.Tlv(0x1E, b"7\0"), smpp34.Tlv(0x427, b"\2")]
        ).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(16, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = read(bytes(whole), NOW, submit_ids="text", receipt_ids="text", alphabet="gsm")
    if isinstance(found, Receipt):
        assert found.provider_reference is not None
        assert found.provider_reference.isprintable()


@pytest.mark.parametrize(
    ("identity", "form", "result"),
    [
        ("AbC-1", "text", "AbC-1"),
        ("00ff", "hex", "255"),
        ("FF", "hex", "255"),
        ("0000000255", "decimal", "255"),
        ("not hex", "hex", None),
        ("zz", "hex", "zz"),
        ("", "text", None),
        ("x" * 65, "text", None),
        ("a\nb", "text", None),
        ("é", "text", None),
    ],
)
def test_ids_in_one_form(identity: str, form: str, result: str | None) -> None:
    assert canonical(identity, form) == result  # type: ignore[arg-type]  # one of the three


@pytest.mark.parametrize(("body", "result"), [((), None), (("",), None), (("7",), "7"), (("a b",), None)])
def test_the_id_in_an_answer(body: tuple[str, ...], result: str | None) -> None:
    assert message_id(pdu(plain(Command.SUBMIT_SM_RESP, 1, strings=body)), "text") == result


def test_optional_parameters_after_the_id_are_passed_over() -> None:
    raw = plain(Command.SUBMIT_SM_RESP, 1, strings=("7",)) + bytes.fromhex("001d000548656c6c6f")
    assert message_id(pdu(raw), "text") == "7"


@given(status=st.integers(1, 0xFFFFFFFF))
def test_every_status_means_something(status: int) -> None:
    found = classify(status)
    assert isinstance(found, Deferred | Rejected)
    if status not in STATUSES:
        assert found == Rejected(reason="unknown", detail=f"0x{status:08X}", technical=True)


def test_the_table_of_statuses_is_walked() -> None:
    for status, (name, (reason, technical)) in STATUSES.items():
        detail = f"0x{status:08X} {name}"
        expected: Deferred | Rejected = Deferred(reason=reason, detail=detail)
        if technical is not None:
            expected = Rejected(reason=reason, detail=detail, technical=technical)
        assert classify(status) == expected


def test_only_what_is_the_recipients_fault_is_not_technical() -> None:
    names = {name for name, (_, technical) in STATUSES.values() if technical is False}
    assert names == {"ESME_RINVDSTADR", "ESME_RX_P_APPN", "ESME_RX_R_APPN"}
