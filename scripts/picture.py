"""Draw what ``make demo ARGS=--once`` prints: an SVG for the README, from a real run.

``scripts/picture.py TARGET.svg``. Fails, and writes nothing, if the run was not as it should be.
"""

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from hub.demo.run import play

WIDTH = 118
# Rich's own template fetches a font from elsewhere; a picture in a repository loads nothing.
FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
  .{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
    line-height: {line_height}px; font-variant-east-asian: full-width; }}
  {styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
  <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
  {backgrounds}
  <g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def main(target: Path) -> int:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    status = play(console, once=True)
    if status == 0:
        console.save_svg(str(target), title="make demo", theme=MONOKAI, code_format=FORMAT, unique_id="demo")
        print(f"picture: wrote {target}")
    else:
        print(console.export_text())
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
