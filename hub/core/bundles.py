"""Zip files whose bytes are the same for the same content: evidence bundles and subject-access exports. Pure."""

import io
import zipfile
from collections.abc import Mapping
from typing import Final

_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say: when a bundle was made stands in it, signed."""
_READ_BY_ITS_OWNER: Final = 0o100600 << 16
_UNIX: Final = 3


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files by name, in the order of their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _READ_BY_ITS_OWNER
            archive.writestr(entry, files[name], compresslevel=6)
    return out.getvalue()
