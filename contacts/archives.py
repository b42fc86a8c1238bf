"""Zip archives that somebody hands over: opened in bounded size, and only where they are of the plain kind."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

_LATE: Final = (NotImplementedError, RuntimeError, OSError, EOFError, ValueError, IndexError)
"""What ``zipfile`` raises besides its own: for encryption, a name that is empty, sizes that are not so."""


class ArchiveRefused(ValueError):
    """The archive was not opened; says why."""


def is_zip(data: bytes) -> bool:
    """Whether this is a zip archive with something in it."""
    return data.startswith(b"PK\x03\x04")


def unpacked(data: bytes, *, most_files: int, most_bytes: int) -> Mapping[str, bytes]:
    """The files by name, without the one folder that all may be in. Raises ArchiveRefused.

    What an archive says of a file's size is also the most that is read of it, so one that lies is damaged, not large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not e.filename.startswith("__MACOSX/")]
            if len(entries) > most_files or sum(e.file_size for e in entries) > most_bytes:
                raise ArchiveRefused("the archive holds more than a directory does")
            if len({e.filename for e in entries}) < len(entries):
                raise ArchiveRefused("the archive holds two files of one name")
            if len({e.filename.rpartition("/")[0] for e in entries}) > 1:
                raise ArchiveRefused("the tables are not all in one folder of the archive")
            if any(e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in entries):
                raise ArchiveRefused("the archive is not of the usual kind: save it as a plain zip archive")
            return {e.filename.rpartition("/")[2]: archive.read(e) for e in entries}
    except ArchiveRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, *_LATE):
        raise ArchiveRefused("a damaged or encrypted zip archive") from None
