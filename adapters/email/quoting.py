"""Where an answer ends and the message it answers begins. Pure.

Cut off is only what stands below all that somebody wrote. Who writes between quoted lines, or below them, is shown with
them. Outlook marks no line that it quotes, so there everything below its head counts as quoted; it is kept beside.
"""

import re

_QUOTED = re.compile(r"\s{0,3}(?:>|\|(?= ))")
_ATTRIBUTION = re.compile(
    r"\s*(?:On|Am|Le|El|Op|Ar|At)\b.{0,400}(?::|wrote|schrieb|écrit|escribió|schreef|ysgrifennodd).{0,80}:?\s*", re.I
)
_ORIGINAL = re.compile(r"\s*(?:-{2,}\s*(?:Original Message|Forwarded message|Neges wreiddiol)\s*-{2,}|_{10,})\s*", re.I)
_FROM = re.compile(r"\s*\**(?:From|Oddi wrth|Von|De)\**:\**\s.{0,300}", re.I)
_FIELD = re.compile(r"\s*\**(?:Sent|Date|To|Cc|Subject|Anfonwyd|At|Pwnc|Reply-To|Importance)\**:\**\s?.{0,500}", re.I)
_LOOK_BACK = 4
_HEAD = 6


def cut(text: str) -> tuple[str, str]:
    """What somebody wrote, and what is quoted below it (perhaps nothing). Lines end with a newline alone."""
    lines = text.split("\n")
    at = _below(lines)
    if at is None or not any(line.strip() for line in lines[:at]):
        return text.strip(), ""
    return "\n".join(lines[:at]).strip(), "\n".join(lines[at:]).strip()


def _below(lines: list[str]) -> int | None:
    """The first line of what is quoted below."""
    for number, line in enumerate(lines):
        if _FROM.fullmatch(line) and _is_head(lines[number + 1 : number + 1 + _HEAD]):
            return _with_rule(lines, number)
    end = len(lines)
    while end and (not lines[end - 1].strip() or _QUOTED.match(lines[end - 1])):
        end -= 1
    quoted = next((number for number in range(end, len(lines)) if lines[number].strip()), None)
    if quoted is None:
        return None
    return _with_attribution(lines, quoted)


def _is_head(following: list[str]) -> bool:
    """The head of a message as Outlook repeats it: two more fields at least, before anything else."""
    count = 0
    for line in following:
        if _FIELD.fullmatch(line):
            count += 1
        elif line.strip() and not count:
            return False
    return count >= 2


def _with_rule(lines: list[str], at: int) -> int:
    above = at - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _ORIGINAL.fullmatch(lines[above]) else at


def _with_attribution(lines: list[str], quoted: int) -> int:
    """``On … wrote:``, in one line or broken into several."""
    last = quoted - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    for first in range(last, max(-1, last - _LOOK_BACK), -1):
        joined = " ".join(lines[first : last + 1])
        if joined.rstrip().endswith(":") and _ATTRIBUTION.fullmatch(joined[:1000]):
            return first
    return quoted
