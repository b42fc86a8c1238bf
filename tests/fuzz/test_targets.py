"""Every seed, everything that was ever found, and what hypothesis makes of them, through every target."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, run

CORPUS = Path(__file__).parent / "corpus"
SAMPLES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_every_target_has_seeds_and_every_seed_a_target() -> None:
    assert {path.parent.name for path in SAMPLES} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_known_is_read_as_it_should_be(name: str) -> None:
    for path in SAMPLES:
        if path.parent.name == name:
            run(name, path.read_bytes())


def changed(samples: list[bytes]) -> st.SearchStrategy[bytes]:
    """A sample with some of it taken out, doubled, or put in from elsewhere."""

    def change(sample: bytes, start: float, length: int, new: bytes, times: int) -> bytes:
        at = int(start * len(sample))
        return sample[:at] + new * times + sample[at + length :]

    return st.builds(
        change,
        st.sampled_from(samples),
        st.floats(0, 1),
        st.integers(0, 40),
        st.binary(max_size=12) | st.sampled_from(WORDS),
        st.integers(0, 3),
    )


WORDS = (b"\0", b"\xff\xfe", b'"', b"{", b"[" * 200, b"9" * 400, b"-1", b"1e999", b"\r\n", b"\xed\xa0\x80", b"\\ud800",
         b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"=?utf-8?b?", b"--b", b"\x30\x80")  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_almost_known_is_read_as_it_should_be(name: str) -> None:
    samples = [path.read_bytes() for path in SAMPLES if path.parent.name == name]

    @settings(max_examples=20, database=None)
    @given(changed(samples))
    def through(data: bytes) -> None:
        run(name, data)

    through()
