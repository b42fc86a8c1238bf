"""A drawing as an SVG: a lane for each recipient, notices as marks, duties and register entries as bars, over a time
axis that holds two hours or a year. The same drawing gives the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from xml.etree import ElementTree as ET  # only builds, never parses  # nosec B405

from hub.core.naming import day_and_time, length, moment
from hub.picture.axis import Axis
from hub.picture.drawing import OUTCOME_WORDS, REMINDERS, REPLIES, Bar, Drawing, Flag, Lane, Mark, Row, kind_words
from hub.picture.shapes import BLUE, GREEN, GREY, INK, KINDS, LINE, PAPER, RUST, add, glyph, number, symbol

T = TypeVar("T")

LEFT, RIGHT, MARGIN = 250.0, 240.0, 20.0
MARK, ROW, BAR, LINE_HEIGHT = 24.0, 26.0, 18.0, 15.0
LETTER_WIDTH = 6.4
"""Of a 12-pixel sans-serif letter, on the wide side, so that labels never run into each other."""
FILL = {
    "done": ("#cfe6db", GREEN), "returned": ("#cfe6db", GREEN), "found": ("#cfe6db", GREEN),
    "cancelled": ("#eeefef", GREY), "retracted": ("#eeefef", GREY), "removed": ("#eeefef", GREY),
    "overdue": ("#fbe3d5", RUST), "open": (PAPER, BLUE), "held": ("#dce8f4", BLUE),
}  # fmt: skip
END_SIGN = {
    "done": "M-4 0 L-1 4 L5 -5", "returned": "M-4 0 L-1 4 L5 -5", "found": "M-4 0 L-1 4 L5 -5",
    "cancelled": "M-4 -4 L4 4 M-4 4 L4 -4", "retracted": "M-4 -4 L4 4 M-4 4 L4 -4", "removed": "M0 -6 V6",
    "overdue": "M0 -6 V2 M0 5 V7", "open": "M-4 -5 L3 0 L-4 5", "held": "M-4 -5 L3 0 L-4 5",
}  # fmt: skip
"""A tick, a cross, a stop, an exclamation mark, an arrow into the time after the picture."""


NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heap:
    """Marks of one look that would lie on each other: drawn once, with their number."""

    x: float
    marks: tuple[Mark, ...]


def document(drawing: Drawing) -> str:
    """A file of its own, every mark of which says in words what it is."""
    sheet = _Sheet(drawing, role="graphics-document document")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + sheet.text() + "\n"


def inline(drawing: Drawing) -> str:
    """For a page that says the same in a table: one image, called by its title and described. No style attributes."""
    return _Sheet(drawing, role="img").text()


class _Sheet:
    """One picture on its way down the page."""

    def __init__(self, drawing: Drawing, *, role: str) -> None:
        self._drawing, self._axis = drawing, Axis.over(drawing.anchors)
        self._width = MARGIN + LEFT + self._axis.width + RIGHT + MARGIN
        self._root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": role})
        self._y = MARGIN
        self._rules: ET.Element

    def text(self) -> str:
        drawing = self._drawing
        self._head()
        self._rules = add(self._root, "g", stroke=LINE, stroke_width=1, aria_hidden="true")
        self._flags(drawing.flags if drawing.now is None else (*drawing.flags, _now(drawing.now)))
        self._scale()
        top = self._y
        self._section("Who is told", drawing.lanes, self._lane)
        self._section("Duties", drawing.duties, self._row)
        self._section("Registers of missing children", drawing.register, self._row)
        self._section("Episodes", drawing.episodes, self._row)
        self._gridlines(top, self._y)
        self._scale()
        self._legend()
        height = self._y + MARGIN
        self._root.set("viewBox", f"0 0 {number(self._width)} {number(height)}")
        self._root.set("width", number(self._width))
        self._root.set("height", number(height))
        self._paper.set("height", number(height))
        ET.indent(self._root, " ")
        return ET.tostring(self._root, encoding="unicode")

    def _x(self, at: datetime) -> float:
        return MARGIN + LEFT + self._axis.x(at)

    def _head(self) -> None:
        drawing, root = self._drawing, self._root
        add(root, "title", drawing.title, id="fp-title")
        add(root, "desc", _described(drawing), id="fp-desc")
        root.set("aria-labelledby", "fp-title fp-desc")
        root.set("font-family", "Helvetica, Arial, 'Liberation Sans', sans-serif")
        root.set("font-size", "12")
        hatch = add(add(root, "defs"), "pattern", id="fp-late", width=6, height=6, patternUnits="userSpaceOnUse",
                    patternTransform="rotate(45)")  # fmt: skip
        add(hatch, "rect", width=6, height=6, fill=FILL["overdue"][0])
        add(hatch, "path", d="M0 0 V6", stroke=RUST, stroke_width=2.4)
        self._paper = add(root, "rect", width=self._width, fill=PAPER)
        self._y += 14
        self._text(MARGIN, self._y, drawing.title, font_size=18, font_weight="bold")
        self._y += 20
        steps = self._axis.steps
        span = f"{moment(steps[0].start)} to {moment(steps[-1].end)}, London time."
        self._text(MARGIN, self._y, f"{span} Longer steps of time are drawn shortened; // marks where.", fill=GREY)
        self._y += 14

    def _text(self, x: float, y: float, text: str, **attributes: str | float) -> None:
        add(self._root, "text", text, x=x, y=y, **{"fill": INK, **attributes})

    def _flags(self, flags: Sequence[Flag]) -> None:
        """The events, on as many lines as their labels need."""
        # From the right: a label that would reach over the poles of later flags goes above those flags.
        placed: list[tuple[Flag, str, float, int]] = []
        for flag in reversed(flags):
            label = _cut(flag.label, 34)
            wide = len(label) * LETTER_WIDTH + 12
            x = min(self._x(flag.at), self._width - MARGIN - wide)
            line = max((other + 1 for _, _, start, other in placed if start < x + wide), default=0)
            placed.append((flag, label, x, line))
        lines = 1 + max((line for _, _, _, line in placed), default=0)
        bottom = self._y + lines * LINE_HEIGHT + 8
        for flag, label, x, line in reversed(placed):
            at, y = self._x(flag.at), bottom - 8 - line * LINE_HEIGHT
            group = symbol(self._root, flag.words if flag.label == NOW else f"event {flag.label}, {flag.words}")
            add(group, "path", d=f"M{number(at)} {number(bottom)} V{number(y - 9)}", stroke=INK, stroke_width=1.2)
            add(group, "text", label, x=x + 4, y=y, fill=INK)
        self._y = bottom

    def _scale(self) -> None:
        """The axis: breaks, dates where there is room for them, lengths of the longer steps."""
        y, left = self._y, MARGIN + LEFT
        group = add(self._root, "g", font_size=11, fill=INK)
        add(group, "path", d=f"M{number(left)} {number(y)} h{number(self._axis.width)}", stroke=INK, stroke_width=1.5)
        for step in self._axis.steps:
            middle = left + (step.left + step.right) / 2
            if step.broken:
                add(group, "path", d=f"M{number(middle - 3)} {number(y)} h6", stroke=PAPER, stroke_width=4)
                sign = f"M{number(middle - 6)} {number(y + 5)} l6 -10 M{number(middle)} {number(y + 5)} l6 -10"
                add(group, "path", d=sign, stroke=INK, stroke_width=1.5, fill="none")
            words = length(step.seconds)
            if step.right - step.left > len(words) * LETTER_WIDTH + 4:
                add(group, "text", words, x=middle, y=y + 42, text_anchor="middle", fill=GREY, font_size=10)
        for at in self._dated():
            x = self._x(at)
            add(group, "path", d=f"M{number(x)} {number(y)} v5", stroke=INK, stroke_width=1.5)
            for line, words in enumerate(day_and_time(at)):
                add(group, "text", words, x=x, y=y + 17 + 12 * line, text_anchor="middle")
        self._y += 52

    def _dated(self) -> list[datetime]:
        """Which moments get a date: the two ends, then events, then whatever else there is room for."""
        axis, room = self._axis, 11 * LETTER_WIDTH
        wanted = [axis.start, axis.end, *(f.at for f in self._drawing.flags), *self._drawing.anchors]
        taken: list[datetime] = []
        for at in wanted:
            if all(abs(axis.x(at) - axis.x(other)) >= room for other in taken):
                taken.append(at)
        return taken

    def _gridlines(self, top: float, bottom: float) -> None:
        for at in self._drawing.anchors:
            add(self._rules, "path", d=f"M{number(self._x(at))} {number(top)} V{number(bottom)}")

        if self._drawing.now is not None:
            line = f"M{number(self._x(self._drawing.now))} {number(top)} V{number(bottom)}"
            add(self._rules, "path", d=line, stroke=INK, stroke_width=1.5, stroke_dasharray="6 4")

    def _section(self, title: str, rows: Sequence[T], draw: Callable[[T], None]) -> None:
        if not rows:
            return
        self._y += 8
        self._text(MARGIN, self._y + 10, title, font_size=14, font_weight="bold")
        self._y += 20
        for row in rows:
            self._rule()
            draw(row)
        self._rule()

    def _rule(self) -> None:
        add(self._rules, "path", d=f"M{number(MARGIN)} {number(self._y)} H{number(self._width - MARGIN)}")

    def _labelled(self, title: str, subtitle: str, least: float) -> float:
        """Write a label of up to three lines; returns the height the row needs for it."""
        lines = _folded(title, 38)
        for index, line in enumerate(lines):
            self._text(MARGIN, self._y + 15 + index * 13, line)
        tall = 15 + 13 * len(lines)
        if subtitle:
            self._text(MARGIN, self._y + tall, _cut(subtitle, 42), fill=GREY, font_size=11)
            tall += 13
        return max(least, tall - 5)

    def _lane(self, lane: Lane) -> None:
        # What tells of the child comes first and keeps the first line; reminders find their place around it.
        heaps = sorted(_heaped(lane.marks, self._x), key=lambda heap: heap.marks[0].kind in REMINDERS)
        lines = _stacked([(h.x - 12, h.x + 12 + (26 if len(h.marks) > 1 else 0)) for h in heaps])
        tall = self._labelled(lane.title, lane.subtitle, (max(lines) + 1) * MARK + 4)
        for heap, line in zip(heaps, lines, strict=True):
            first, y = heap.marks[0], self._y + MARK / 2 + 3 + line * MARK
            group = symbol(self._root, f"{lane.title}, {lane.subtitle}: {_said(heap.marks)}")
            glyph(group, heap.x, y, first.kind, first.outcome)
            if len(heap.marks) > 1:
                add(group, "text", f"×{len(heap.marks)}", x=heap.x + 13, y=y + 4, font_size=11, fill=INK)
        self._note(_summed(lane.marks))
        self._y += tall + 3

    def _row(self, row: Row) -> None:
        runs = _runs(row.bars, self._x)
        lines = _stacked([(self._x(run[0].start), self._x(run[-1].end)) for run in runs])
        tall = self._labelled(row.title, row.subtitle, ROW + max(lines) * BAR)
        starts = [(line, self._x(run[0].start)) for run, line in zip(runs, lines, strict=True)]
        for run, line in zip(runs, lines, strict=True):
            end = self._x(run[-1].end)
            crowded = any(other == line and 0 <= start - end < 16 for other, start in starts if start > end - 1)
            self._bar(row, run, self._y + 8 + line * BAR, signed=not crowded)
        self._note(row.note)
        self._y += tall + 3

    def _note(self, note: str) -> None:
        for index, line in enumerate(_folded(note, 34)):
            x = self._width - MARGIN - RIGHT + 26
            self._text(x, self._y + 17 + index * 13, line, font_size=11)

    def _bar(self, row: Row, bars: Sequence[Bar], y: float, *, signed: bool) -> None:
        """One span, or a run of spans alike that are too short to be told apart."""
        first, last = bars[0], bars[-1]
        left, right = self._x(first.start), max(self._x(last.end), self._x(first.start) + 4)
        words = first.words if len(bars) == 1 else f"{len(bars)} times: {first.words}; last: {last.words}"
        fill, edge = FILL[first.state]
        group = symbol(self._root, f"{row.title}, {row.subtitle}: {words}")
        dashes = {"stroke_dasharray": "4 2"} if first.state in ("cancelled", "retracted") else {}
        shape: dict[str, str | float] = {"y": y, "height": 14, "stroke": edge, "stroke_width": 1.2}
        add(group, "rect", x=left, width=right - left, fill=fill, **shape, **dashes)
        due = self._x(first.due) if first.due else right
        repeated = first.state == "overdue" and (len(bars) > 1 or due >= right - 1)
        if repeated:
            due = left
        if due < right - 1 and (repeated or (first.state in ("done", "overdue", "cancelled") and len(bars) == 1)):
            add(group, "rect", x=due, width=right - due, fill="url(#fp-late)", **shape)
        if len(bars) > 1 and right - left > 40:
            middle, count = (left + right) / 2, f"×{len(bars)}"
            add(group, "rect", x=middle - 18, y=y + 1, width=36, height=12, fill=PAPER)
            add(group, "text", count, x=middle, y=y + 11, text_anchor="middle", fill=INK, font_size=11)
        if signed:
            add(group, "path", d=END_SIGN[first.state], transform=f"translate({number(right + 9)} {number(y + 7)})",
                stroke=edge, stroke_width=2, fill="none")  # fmt: skip

    def _legend(self) -> None:
        """Only what this picture uses."""
        self._y += 12
        marks = [mark for lane in self._drawing.lanes for mark in lane.marks]
        kinds = [(kind, "notify", kind_words(kind)) for kind in KINDS if any(m.kind == kind for m in marks)]
        outcomes = {m.outcome: m.kind for m in marks if m.outcome != "notify"}
        kinds += [(kind, outcome, OUTCOME_WORDS[outcome]) for outcome, kind in outcomes.items()]
        states = [b.state for row in (*self._drawing.duties, *self._drawing.register) for b in row.bars]
        x = MARGIN + 12
        for kind, outcome, words in kinds:
            x = self._next(x, words)
            glyph(self._root, x, self._y, kind, outcome)
            self._text(x + 24, self._y + 4, words)
            x += len(words) * LETTER_WIDTH + 54
        for state in dict.fromkeys(states):
            x = self._next(x, state)
            fill, edge = FILL[state]
            add(self._root, "rect", x=x - 8, y=self._y - 6, width=20, height=12, fill="url(#fp-late)"
                if state == "overdue" else fill, stroke=edge)  # fmt: skip
            add(self._root, "path", d=END_SIGN[state], transform=f"translate({number(x + 20)} {number(self._y)})",
                stroke=edge, stroke_width=2, fill="none")  # fmt: skip
            self._text(x + 30, self._y + 4, state)
            x += len(state) * LETTER_WIDTH + 60
        self._y += 14

    def _next(self, x: float, words: str) -> float:
        if x + len(words) * LETTER_WIDTH + 40 < self._width - MARGIN:
            return x
        self._y += 28
        return MARGIN + 12


def _now(at: datetime) -> Flag:
    return Flag(at=at, label=NOW, words=f"{moment(at)}: now")


def _described(drawing: Drawing) -> str:
    """The picture in words, for those who do not see it."""
    marks = Counter((mark.kind, mark.outcome) for lane in drawing.lanes for mark in lane.marks)
    notices = ", ".join(
        f"{count} {kind_words(kind)}" if kind in REPLIES else f"{count} {kind_words(kind)} {OUTCOME_WORDS[outcome]}"
        for (kind, outcome), count in marks.items()
    )
    events = "; ".join(f"{flag.label} {moment(flag.at)}" for flag in drawing.flags)
    duties = "; ".join(f"{row.title} ({row.subtitle}): {row.note}" for row in drawing.duties)
    ends = "; ".join(f"{row.title}: {row.subtitle}, {row.note}" for row in drawing.episodes)
    return (
        f"Events: {events or 'none'}. {len(drawing.lanes)} recipients; notices: {notices or 'none'}. "
        f"Duties: {duties or 'none'}. {len(drawing.register)} register rows. Episodes: {ends or 'none'}."
    )


def _heaped(marks: Iterable[Mark], x_of: Callable[[datetime], float]) -> list[_Heap]:
    """Marks of one kind and outcome that would touch become one."""
    heaps: list[_Heap] = []
    last: dict[tuple[str, str], int] = {}
    for mark in marks:
        x, look = x_of(mark.at), (mark.kind, mark.outcome)
        index = last.get(look)
        if index is not None and x - x_of(heaps[index].marks[-1].at) < MARK + 14 and x - heaps[index].x < 6 * MARK:
            heap = heaps[index]
            heaps[index] = _Heap(x=heap.x, marks=(*heap.marks, mark))
        else:
            last[look] = len(heaps)
            heaps.append(_Heap(x=x, marks=(mark,)))
    return heaps


def _stacked(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The line of each span, so that none lie on each other; at least one line."""
    lines: list[list[tuple[float, float]]] = []
    found = []
    for left, right in spans:
        free = (i for i, taken in enumerate(lines) if all(right <= a or left >= b for a, b in taken))
        line = next(free, len(lines))
        if line == len(lines):
            lines.append([])
        lines[line].append((left, right))
        found.append(line)
    return found or [0]


def _summed(marks: Iterable[Mark]) -> str:
    """``3 told, 2 reminders``: a reminder of a duty is no news of the child."""
    count = Counter(_in_short(mark) for mark in marks)
    return ", ".join(f"{many} {_PLURAL.get(words, words) if many > 1 else words}" for words, many in count.items())


def _in_short(mark: Mark) -> str:
    if mark.kind in REPLIES:
        return kind_words(mark.kind)
    if mark.kind in REMINDERS:
        return "reminder"
    return OUTCOME_WORDS[mark.outcome].partition(":")[0]


_PLURAL = {"reminder": "reminders", "gap": "gaps", "receipt": "receipts"}


def _said(marks: Sequence[Mark]) -> str:
    few = [mark.words for mark in marks[:3]]
    return "; ".join(few) + (f"; … {len(marks)} in all, the last {marks[-1].words}" if len(marks) > 3 else "")


def _runs(bars: Sequence[Bar], x_of: Callable[[datetime], float]) -> list[list[Bar]]:
    """Neighbours of one state, one of them too short to be drawn alone, become one."""
    runs: list[list[Bar]] = []
    for bar in bars:
        short = x_of(bar.end) - x_of(bar.start) < 2 * MARK
        before = runs[-1][-1] if runs else None
        if before and short and (before.state, before.episode, before.end) == (bar.state, bar.episode, bar.start):
            runs[-1].append(bar)
        else:
            runs.append([bar])
    return runs


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _folded(text: str, most: int) -> list[str]:
    """At most two lines, broken between words."""
    if len(text) <= most:
        return [text]
    head = text[: most + 1].rpartition(" ")[0] or text[:most]
    return [head, _cut(text[len(head) :].strip(), most)]
