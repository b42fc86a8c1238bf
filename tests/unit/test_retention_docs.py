"""What becomes of each column is written down, and nothing that is sealed is said to be in clear."""

import re
from pathlib import Path

from sqlalchemy import LargeBinary

from hub.store.retention import SqlRetention
from hub.store.tables import metadata

PAGE = Path(__file__).parents[2] / "docs" / "security" / "retention.md"


def said() -> dict[str, list[list[str]]]:
    """Table -> columns in clear, with the child's key, hashed, with the hub's key."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {table: [re.findall(r"`(\w+)`", cell) for cell in cells] for table, *cells in rows}


def test_each_column_has_its_place() -> None:
    assert SqlRetention
    described = said()
    ours = {name: sorted(column.name for column in table.columns) for name, table in metadata.tables.items()}
    placed = {name: sorted(one for cell in cells for one in cell) for name, cells in described.items()}
    assert placed == ours, (
        "every column of the ledger has a place in docs/security/retention.md: what becomes of it at erasure?"
    )
    for name, (clear, child, *_) in described.items():
        table = metadata.tables[name]
        assert not [one for one in clear if isinstance(table.columns[one].type, LargeBinary)], name
        assert not child or "child" in table.columns, f"{name} does not say whose key"
