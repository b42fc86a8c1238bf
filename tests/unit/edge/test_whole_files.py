"""A file that is there whole or not at all."""

import os
from pathlib import Path

import pytest

from hub.edge import whole_files
from hub.edge.whole_files import write_whole


def test_it_is_for_its_owner_only_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    write_whole(path, b"content")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o600)
    with pytest.raises(FileExistsError):
        write_whole(path, b"other")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "link", b"other")
    assert path.read_bytes() == b"content" and sorted(os.listdir(tmp_path)) == ["bundle.zip", "link"]


@pytest.mark.parametrize("at", ["fsync", "link"])
def test_of_what_fails_halfway_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.os, at, full)
    if at == "link":  # a file system without links
        write_whole(tmp_path / "bundle.zip", b"content")
        assert os.listdir(tmp_path) == ["bundle.zip"]
        return
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "bundle.zip", b"content")
    assert os.listdir(tmp_path) == []
