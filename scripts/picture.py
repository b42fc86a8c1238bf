"""Draw what ``make demo ARGS=--once`` prints: an SVG for the README, from a real run.

``scripts/picture.py TARGET.svg``. Shows the first chapter and the verdict; fails, and writes nothing, if the run was
not as it should be.
"""

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from hub.demo.run import play

WIDTH = 112
SECOND_CHAPTER = "2  An answer"
VERDICT = "Everything was as it should be"
# Rich's own template fetches a font from elsewhere; a picture in a repository loads nothing.
FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
  .{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
    line-height: {line_height}px; white-space: pre; }}
  .{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 18px; }}
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


def recorder() -> Console:
    return Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )


def shortened(printed: str) -> str:
    """The first chapter and the verdict, ANSI colours and all."""
    lines = printed.splitlines()
    second = next(number for number, line in enumerate(lines) if SECOND_CHAPTER in line)
    verdict = next(number for number, line in enumerate(lines) if VERDICT in line)
    return "\n".join([*lines[:second], "   …", "", *lines[verdict:]])


def main(target: Path) -> int:
    stage = recorder()
    status = play(stage, once=True)
    if status != 0:
        print(stage.export_text())
        return status
    canvas = recorder()
    canvas.print(Text.from_ansi(shortened(stage.export_text(styles=True))))
    canvas.save_svg(str(target), title="make demo", theme=MONOKAI, code_format=FORMAT, unique_id="demo")
    print(f"picture: wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
