"""Reply codes: what a text message sent back means. Pure.

An alert may ask for ``1 ABC234``, where the six characters belong to that one delivery. A reply says that the phone's
holder has seen the alert, and it does not say who that is: it is a receipt (``displayed``), and never the answer of a
named human (vocabulary.md, acknowledgement). It counts only if it bears the code and comes from the number that the
alert went to: the number alone can be forged, and the code alone can be read over a shoulder.
"""

import hmac
import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from adapters.port import Receipt
from adapters.sms.inbound import Reply

Answer: TypeAlias = Literal["seen", "not_ours", "stop"]
"""``not_ours`` and ``stop`` want a human: the number is somebody else's, or its holder takes no more messages (a
provider then blocks the number by itself)."""

_WORDS: Final[dict[str, Answer]] = {
    **dict.fromkeys(("1", "YES", "Y", "YEP", "OK", "OKAY", "SEEN", "READ", "RECEIVED", "ACK"), "seen"),
    **dict.fromkeys(("2", "NO", "N", "NOPE", "NOT", "WRONG"), "not_ours"),
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"), "stop"),
}
_ALPHABET: Final = "23456789CDFGHJKMNPQRTVWXY"
"""Of codes and references: nothing in it is read as something else, and no vowel makes a word (but for Y)."""
_CODE = re.compile(rf"[{_ALPHABET}]{{6}}")
_HALF = re.compile(rf"[{_ALPHABET}]{{3}}")
_GLUED = re.compile(rf"([12])([{_ALPHABET}]{{6}})")
_REFERENCE = re.compile(rf"\bFP\W*([{_ALPHABET}]{{4}})\W*([{_ALPHABET}]{{4}})\b")
_LONGEST: Final = 480
"""Characters: three parts. Nobody acknowledges at more length, and a report about a child is not looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a reply says, believed by nobody yet."""

    answer: Answer
    code: str | None = field(default=None, repr=False)
    reference: str | None = None
    """``FP-XXXX-XXXX``, if it quoted one: a hint for whoever looks, and no proof."""


def read(text: str) -> Meaning | None:
    """Small letters, full stops, missing spaces and ``yes`` for ``1`` are all fine. None: it does not say one thing, so
    a human has to look; also where it bears two codes, as that would be two guesses."""
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).upper()
    reference = _REFERENCE.search(plain)
    if reference is not None:
        plain = plain.replace(reference.group(0), " ")
    words = re.findall(r"[A-Z0-9]+", _GLUED.sub(r"\1 \2", plain))
    codes = _codes(words)
    answers = {_WORDS[word] for word in words if word in _WORDS}
    if len(codes) > 1 or len(answers) > 1 or not (codes or answers):
        return None
    return Meaning(
        answer=answers.pop() if answers else "seen",
        code=codes.pop() if codes else None,
        reference=None if reference is None else f"FP-{reference.group(1)}-{reference.group(2)}",
    )


def receipt(reply: Reply, meaning: Meaning, *, delivery: str, sent_to: str, code: str) -> Receipt | None:
    """The receipt for ``delivery``, whose alert went to ``sent_to`` (E.164) with ``code``; None if this reply does not
    prove one. Compared in constant time."""
    if meaning.answer != "seen" or not meaning.code:
        return None
    if not hmac.compare_digest(f"{reply.source} {meaning.code}".encode(), f"{sent_to} {code}".encode()):
        return None
    return Receipt(channel="sms", kind="displayed", at=reply.at, delivery=delivery, code="REPLY")


def _codes(words: list[str]) -> set[str]:
    whole = {word for word in words if _CODE.fullmatch(word)}
    halves = {
        left + right for left, right in itertools.pairwise(words) if _HALF.fullmatch(left) and _HALF.fullmatch(right)
    }
    return whole | halves
