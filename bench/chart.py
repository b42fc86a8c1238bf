"""The bars of a burst as SVG: who sends how many notices a second, with the spread of the rounds, and the floor."""

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from bench.table import Row
from hub.picture.shapes import BLUE, GREEN, GREY, INK, LINE, PAPER, add

WIDTH: Final = 960
LEFT: Final = 330
RIGHT: Final = 90
ROW: Final = 30
TOP: Final = 84
FLOOR: Final = "what nothing can exceed: the sum of the floors"


def chart(rows: Sequence[Row], floors: Sequence[tuple[str, float]], title: str, footer: str) -> str:
    """``rows`` from top to bottom; ``floors``: signer and notices a second that one process could send at most."""
    bars = [(row.name, row.signer, row.rate.median, row.rate.lowest, row.rate.highest, _colour(row)) for row in rows]
    bars = [(FLOOR, signer, rate, rate, rate, LINE) for signer, rate in floors] + bars
    most = max(highest for _, _, _, _, highest, _ in bars)
    height = TOP + ROW * len(bars) + 40
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height}", "role": "img"})
    add(root, "title", title)
    add(root, "rect", width=WIDTH, height=height, fill=PAPER)
    words = {"font_family": "system-ui, sans-serif", "fill": INK}
    add(root, "text", title, x=16, y=30, font_size=19, font_weight="bold", **words)
    add(root, "text", "notices a second; thin line: lowest to highest round", x=16, y=54, font_size=13, **words)
    scale = (WIDTH - LEFT - RIGHT) / most
    for number, (name, signer, median, lowest, highest, colour) in enumerate(bars):
        y = TOP + ROW * number
        label = f"{name}{f' ({signer})' if signer else ' (not sealed)'}"
        add(root, "text", label, x=LEFT - 10, y=y + 15, font_size=12, text_anchor="end", **words)
        add(root, "rect", x=LEFT, y=y, width=max(median * scale, 1), height=20, fill=colour)
        if highest > lowest:
            line = f"M{LEFT + lowest * scale:.1f} {y + 10} H{LEFT + highest * scale:.1f}"
            add(root, "path", d=line, stroke=INK, stroke_width=1.5)
        add(root, "text", f"{median:.0f}", x=LEFT + highest * scale + 8, y=y + 15, font_size=13, **words)
    add(root, "text", footer, x=16, y=height - 14, font_size=12, font_family="system-ui, sans-serif", fill=GREY)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _colour(row: Row) -> str:
    if row.name.startswith("Fingerpost"):
        return GREEN
    return BLUE if row.signer else GREY
