"""The bars of a burst as SVG: who sends how many notices a second, with the spread of the rounds, and the floor.

``python -m bench.chart RESULTS.json TARGET.svg`` draws results that were kept.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from bench.table import Row
from hub.picture.shapes import BLUE, GREEN, GREY, INK, LINE, PAPER, add

WIDTH: Final = 960
LEFT: Final = 330
RIGHT: Final = 90
ROW: Final = 30
TOP: Final = 84
LISTS: Final = ("rates", "processor", "servers")
FLOOR: Final = "the floor under one process"


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


def drawn(results: Path) -> str:
    """The picture of results that were kept."""
    kept: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    rows = [Row(**{**row, **{name: tuple(row[name]) for name in LISTS}}) for row in kept["rows"]]
    floors = [(signer, 1 / min(_sum(one) for one in several)) for signer, several in kept["floors"].items()]
    load = kept["load_average"]["before"]
    footer = f"{kept['measured_at'][:10]}, {kept['revision']}: {kept['processors']} processors, load average {load}"
    return chart(rows, floors, f"A burst of {kept['notices']:,} notices by e-mail", f"{footer} before the start")


def _sum(floor: dict[str, dict[str, float]]) -> float:
    return sum(cost["seconds"] for name, cost in floor.items() if name != "bare_signature")


def _colour(row: Row) -> str:
    if row.name.startswith("Fingerpost"):
        return GREEN
    return BLUE if row.signer else GREY


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(drawn(Path(sys.argv[1])), encoding="utf-8")
