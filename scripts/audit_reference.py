"""Writes docs/reference/audit.md from the list of actions; a test says whether it is current."""

import sys
from pathlib import Path

from hub.core.audit_actions import page

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "audit.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(Path.cwd())}\n")
