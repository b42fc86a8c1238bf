"""A photo is encoded once for all who are sent it at the time, and is not kept after that."""

from adapters.email.fields import base64_lines
from adapters.email.shared import Shared

PHOTO = bytes(range(256)) * 100


def test_it_is_encoded_once_while_anything_is_under_way_and_then_forgotten() -> None:
    shared = Shared()
    with shared.sending():
        with shared.sending():
            once = shared.lines(PHOTO)
            assert once == base64_lines(PHOTO)
        assert shared.lines(bytes(bytearray(PHOTO))) is once, "the same octets, whoever has them"
        assert shared.kept == 1
    assert shared.kept == 0


def test_what_is_small_or_very_large_is_not_kept_and_no_more_than_a_few_are() -> None:
    shared = Shared()
    with shared.sending():
        for data in (b"", b"x" * 5000, bytes(2 * 1024 * 1024)):
            assert shared.lines(data) == base64_lines(data)
        assert shared.kept == 0
        for number in range(20):
            shared.lines(PHOTO + bytes([number]))
        assert shared.kept == 8


def test_what_a_thread_ends_with_after_it_was_given_up_is_not_kept() -> None:
    """A stop takes the message away from whoever waits for it, and not the work from the thread."""
    shared = Shared()
    with shared.sending():
        pass
    assert shared.lines(PHOTO) == base64_lines(PHOTO)
    assert shared.kept == 0
