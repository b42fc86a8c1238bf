"""What real mail servers and a real client sent back is understood; and what a sequence of such receipts makes of a
try."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from adapters.email.inbound import Report, read
from adapters.email.verp import ReceiptsAddress
from adapters.port import Receipt, ReceiptKind
from hub.core.records import AttemptState
from hub.core.states import AttemptHappening, attempt_after

FOLDER = Path(__file__).parents[2] / "data" / "receipts"
ADDRESSES = (ReceiptsAddress.of_template("r+{token}@hub.example"),)
DAY = timedelta(days=1)
HAPPENINGS: dict[ReceiptKind, AttemptHappening] = {
    "delayed": "receipt_delayed",
    "delivered": "receipt_delivered",
    "displayed": "receipt_delivered",
    "answered": "receipt_delivered",
    "bounced": "receipt_bounced",
    "expired": "receipt_expired",
}
"""``relayed`` and ``automatic_reply`` say nothing of the state of a try."""

EXPECTED: dict[str, tuple[ReceiptKind, str, str | None]] = {
    "away.delivered": ("delivered", "2.0.0", None),
    "away.reply": ("automatic_reply", "automatic", None),
    "bounced-after-delivered.delivered": ("delivered", "2.0.0", None),
    "bounced-after-delivered.failed": ("bounced", "5.1.1", "rejected"),
    "bounced-after-relayed.failed": ("bounced", "5.1.1", "rejected"),
    "bounced-after-relayed.relayed": ("relayed", "2.0.0", None),
    "declined.delivered": ("delivered", "2.0.0", None),
    "declined.mdn-deleted": ("bounced", "deleted automatic-action unsigned", "rejected"),
    "delayed-then-delivered.delayed": ("delayed", "4.2.1", "rejected"),
    "delayed-then-delivered.delivered": ("delivered", "2.0.0", None),
    "delayed-then-expired.delayed": ("delayed", "4.4.1", "rejected"),
    "delayed-then-expired.failed": ("expired", "4.4.1", "rejected"),
    "delivered.delivered": ("delivered", "2.0.0", None),
    "displayed.delivered": ("delivered", "2.0.0", None),
    "displayed.mdn-displayed": ("displayed", "displayed manual-action unsigned", None),
    "expanded.expanded": ("relayed", "2.0.0 expanded", None),
    "full-mailbox.failed": ("bounced", "5.2.2", "rejected"),
    "refused.failed": ("bounced", "5.7.1", "rejected"),
    "relayed.relayed": ("relayed", "2.0.0", None),
    "unknown-user.failed": ("bounced", "5.1.1", "rejected"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    raw: bytes
    token: str
    written: datetime

    def read(self, to: str | None = None, raw: bytes | None = None, arrived_at: datetime | None = None) -> Report:
        return read(
            self.raw if raw is None else raw,
            f"r+{self.token}@hub.example" if to is None else to,
            self.written + timedelta(seconds=90) if arrived_at is None else arrived_at,
            addresses=ADDRESSES,
        )


def sample(name: str) -> Sample:
    raw = (FOLDER / f"{name}.eml").read_bytes()
    digest = hashlib.sha256(name.partition(".")[0].encode()).digest()[:20]
    date = next(line for line in raw.decode("latin-1").splitlines() if line.startswith("Date: "))
    return Sample(
        raw=raw,
        token=base64.b32encode(digest).decode().lower(),
        written=datetime.strptime(date[6:37], "%a, %d %b %Y %H:%M:%S %z"),
    )


def only(report: Report) -> Receipt:
    assert report.apart is None
    (receipt,) = report.receipts
    return receipt


def test_every_sample_is_expected() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == set(EXPECTED)
    assert all(f"`{name.partition('.')[0]}." in (FOLDER / "README.md").read_text("utf-8") for name in EXPECTED)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", EXPECTED)
def test_it_says_what_became_of_the_notice(name: str, line_end: bytes) -> None:
    one = sample(name)
    kind, code, reason = EXPECTED[name]
    assert only(one.read(raw=one.raw.replace(b"\n", line_end))) == Receipt(
        channel="email", kind=kind, at=one.written, token=one.token, code=code, reason=reason
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_an_address_whose_case_was_folded_is_the_same(name: str) -> None:
    one = sample(name)
    assert one.read(to=f"R+{one.token.upper()}@HUB.example") == one.read()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_clock_that_nobody_can_believe_is_replaced_by_ours(name: str) -> None:
    one = sample(name)
    early, late = one.written - timedelta(seconds=1), one.written + 31 * DAY
    assert only(one.read(arrived_at=early)).at == early
    assert only(one.read(arrived_at=late)).at == late
    assert only(one.read(arrived_at=one.written)).at == one.written


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_that_came_to_no_delivery_is_kept_apart_unless_it_names_one(name: str) -> None:
    one = sample(name)
    named = f"\nOriginal-Envelope-Id: {one.token}\n".encode() in one.raw
    report = one.read(to="bounces@hub.example")
    if named:
        assert only(report) == only(one.read())
    else:
        assert report == Report(apart="no_token")
    assert (not named) == (
        EXPECTED[name][0] == "automatic_reply" or ".mdn" in name or ("after" in name and "fail" in name)
    )


@pytest.mark.parametrize(
    "name", [name for name in EXPECTED if "Original-Envelope-Id" in (FOLDER / f"{name}.eml").read_text()]
)
def test_a_report_that_names_another_delivery_than_it_came_to_is_kept_apart(name: str) -> None:
    other = "z" * 32
    assert sample(name).read(to=f"r+{other}@hub.example") == Report(apart="tokens_disagree", token=other)


@pytest.mark.parametrize("name", EXPECTED)
def test_no_words_of_the_report_get_further(name: str) -> None:
    said = repr(sample(name).read())
    for word in ("council.example", "Made up", "Monday", "FP-2345", sample(name).token, "hub.example"):
        assert word not in said


@pytest.mark.parametrize("name", EXPECTED)
def test_cut_anywhere_it_says_the_same_or_nothing(name: str) -> None:
    """A connection that broke, a limit on the way: never another kind of good news, never a fault."""
    one = sample(name)
    whole = only(one.read())
    kinds = set[str]()
    for end in range(0, min(len(one.raw), 5000), 7):
        report = one.read(raw=one.raw[:end])
        assert report.apart in (None, "not_a_report", "malformed", "tokens_disagree")  # the last: within the token
        kinds |= {receipt.kind for receipt in report.receipts}
    # Postfix's reports bear Auto-Submitted: cut before the report, they are that and no more. A failure whose status is
    # missing is a failure.
    assert kinds <= {whole.kind, "automatic_reply"} | ({"bounced"} if whole.kind == "expired" else set())


def states(kinds: Sequence[ReceiptKind], start: AttemptState = "sent") -> AttemptState:
    state = start
    for kind in kinds:
        if kind in HAPPENINGS:
            state = attempt_after(state, HAPPENINGS[kind])
    return state


@pytest.mark.parametrize(
    ("names", "end"),
    [
        (["delivered.delivered"], "delivered"),
        (["relayed.relayed"], "sent"),
        (["expanded.expanded"], "sent"),
        (["unknown-user.failed"], "permanent_failure"),
        (["bounced-after-relayed.relayed", "bounced-after-relayed.failed"], "permanent_failure"),
        (["bounced-after-delivered.delivered", "bounced-after-delivered.failed"], "permanent_failure"),
        (["delayed-then-expired.delayed", "delayed-then-expired.failed"], "expired"),
        (["delayed-then-delivered.delayed", "delayed-then-delivered.delivered"], "delivered"),
        (["declined.delivered", "declined.mdn-deleted"], "permanent_failure"),
        (["displayed.delivered", "displayed.mdn-displayed"], "delivered"),
        (["away.delivered", "away.reply"], "delivered"),
    ],
)
def test_in_any_order_and_each_of_them_twice_the_try_ends_the_same(names: list[str], end: AttemptState) -> None:
    kinds = [only(sample(name).read()).kind for name in names]
    for order in permutations([*kinds, *kinds]):
        assert states(order) == end


def test_of_any_receipts_the_order_never_matters() -> None:
    kinds: tuple[ReceiptKind, ...] = ("delivered", "bounced", "delayed", "expired", "relayed", "automatic_reply")
    starts: tuple[AttemptState, ...] = ("sending", "sent", "temporary_failure", "technical_failure", "cancelled")
    for start in starts:
        for count in range(1, len(kinds) + 1):
            ends: dict[frozenset[ReceiptKind], set[AttemptState]] = {}
            for order in permutations(kinds, count):
                ends.setdefault(frozenset(order), set()).add(states(order, start))
            for told, found in ends.items():
                assert len(found) == 1, (start, told)
                assert found == {worst(told, start)}


def worst(told: frozenset[ReceiptKind], start: AttemptState) -> AttemptState:
    ladder: tuple[tuple[ReceiptKind, AttemptState], ...] = (
        ("bounced", "permanent_failure"),
        ("expired", "expired"),
        ("delivered", "delivered"),
        ("delayed", "delayed"),
    )
    return next((state for kind, state in ladder if kind in told), start)
