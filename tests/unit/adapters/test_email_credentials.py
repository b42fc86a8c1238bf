"""A password is not shown by accident."""

import copy
import pickle

import pytest

from adapters.email.credentials import Credentials, Secret


def test_a_secret_is_only_revealed_by_asking() -> None:
    secret = Secret("hunter2-hunter2")
    credentials = Credentials(username="hub", password=secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s %r" % (secret, secret), repr(credentials)]  # noqa: UP031 (how logs format)
    shown += [repr({"a": [credentials]})]
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2-hunter2"
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_not_copied_out() -> None:
    for leak in (pickle.dumps, copy.deepcopy, copy.copy):
        with pytest.raises(TypeError) as refused:
            leak(Secret("hunter2-hunter2"))
        assert "hunter2" not in str(refused.value)
