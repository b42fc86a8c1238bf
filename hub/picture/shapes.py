"""How kinds and outcomes look in the picture: shape, letter and colour together, never colour alone."""

from xml.etree import ElementTree as ET  # only builds, never parses  # nosec B405

INK, GREY, LINE, PAPER = "#0b0c0c", "#505a5f", "#d0d4d6", "#ffffff"
RED, BROWN, BLUE, NAVY, GREEN, PURPLE, RUST = (
    "#a8201a", "#594d00", "#1b5fa0", "#003078", "#00703c", "#4c2c92", "#8f3a06",
)  # fmt: skip

KINDS: dict[str, tuple[str, str, str]] = {
    "missing": ("triangle", "M", RED),
    "away": ("triangle", "A", BROWN),
    "concern": ("diamond", "C", RED),
    "renotification": ("triangle", "N", PURPLE),
    "update": ("circle", "U", BLUE),
    "found": ("square", "F", GREEN),
    "returned": ("square", "R", GREEN),
    "retraction": ("square", "X", GREY),
    "threshold": ("hexagon", "T", PURPLE),
    "message": ("diamond", "I", NAVY),
    "conversation": ("circle", "W", NAVY),
    "duty_due": ("dot", "d", GREY),
    "duty_overdue": ("dot", "o", RUST),
    "verification": ("circle", "V", GREY),
    "receipt": ("dot", "r", BLUE),
    "bounced": ("dot", "b", RUST),
    "accepted": ("square", "✓", GREEN),
    "not_ours": ("square", "✗", RUST),
    "redirected": ("square", "→", PURPLE),
}
"""Kind of notice, or of what came back -> shape, letter, colour. White on these colours has a contrast above 4.5 to
1."""

PATHS = {
    "triangle": "M0 -11 L11 9 L-11 9 Z",
    "diamond": "M0 -11 L11 0 L0 11 L-11 0 Z",
    "hexagon": "M-10 0 L-5 -9 L5 -9 L10 0 L5 9 L-5 9 Z",
    "square": "M-9 -9 H9 V9 H-9 Z",
    "circle": "M-9 0 A9 9 0 1 0 9 0 A9 9 0 1 0 -9 0 Z",
    "dot": "M-7 0 A7 7 0 1 0 7 0 A7 7 0 1 0 -7 0 Z",
}
INSIDE = {"✓": "M-5 0 L-1.5 4 L5 -4", "✗": "M-4 -4 L4 4 M-4 4 L4 -4", "→": "M-5 0 H5 M1 -4 L5 0 L1 4"}
"""Signs that not every typeface has are drawn."""
LETTER_DOWN = {"triangle": 7.0, "dot": 3.5}
OVER = {
    "gap": "M15 -8 V3 M15 6 V9",
    "withhold": "M-12 11 L12 -11",
    "hold": "M13 -7 V7 M17 -7 V7",
    "suppress": "M-11 -11 L11 11 M-11 11 L11 -11",
    "waiting": "M-6 12.5 h2 M-1 12.5 h2 M4 12.5 h2",
    "failed": "M-12 0 H12 M15 -8 V3 M15 6 V9",
    "overtaken": "M-12 0 H12",
}
"""What is drawn over, or beside, the shape of somebody who is not told."""


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel, always written the same way."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def clean(text: str) -> str:
    """Without what XML 1.0 cannot hold (2.2): control characters, lone surrogates, the two non-characters."""
    return "".join(
        c if c in "\t\n" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "\ufffd" for c in text
    )


def add(parent: ET.Element, tag: str, text: str | None = None, /, **attributes: str | float) -> ET.Element:
    """A child element; ``stroke_width=2`` is written ``stroke-width="2"``."""
    values = {
        name.rstrip("_").replace("_", "-"): number(value) if isinstance(value, int | float) else clean(value)
        for name, value in attributes.items()
    }
    child = ET.SubElement(parent, tag, values)
    if text is not None:
        child.text = clean(text)
    return child


def symbol(parent: ET.Element, words: str) -> ET.Element:
    """A group that says in words what it shows (WAI-ARIA Graphics Module: graphics-symbol)."""
    group = add(parent, "g", role="graphics-symbol img", aria_label=words)
    add(group, "title", words)
    return group


def glyph(parent: ET.Element, x: float, y: float, kind: str, outcome: str) -> None:
    """The mark of one notice, or of a decision not to give one."""
    shape, letter, colour = KINDS.get(kind, ("circle", "?", GREY))
    told = outcome == "notify"
    group = add(parent, "g", transform=f"translate({number(x)} {number(y)})")
    outline = {"stroke_dasharray": "3 2"} if outcome == "gap" else {}
    add(group, "path", d=PATHS[shape], fill=colour if told else PAPER, stroke=colour, stroke_width=1.5, **outline)
    size = 8.5 if shape in ("triangle", "dot") else 10.5
    ink = PAPER if told else INK
    if letter in INSIDE:
        add(group, "path", d=INSIDE[letter], stroke=ink, stroke_width=2, fill="none")
    else:
        add(group, "text", letter, y=LETTER_DOWN.get(shape, 3.8), text_anchor="middle", font_size=size,
            font_weight="bold", fill=ink)  # fmt: skip
    if outcome in OVER:
        add(group, "path", d=OVER[outcome], stroke=INK, stroke_width=2, fill="none")
