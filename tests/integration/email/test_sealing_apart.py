"""The process that seals: it works when started as the hub starts it, is not stopped with the hub's others, and ends
with the hub."""

import signal
import socket

from adapters.email.frames import framed
from adapters.email.prepare import Message
from adapters.email.sealers import interpreter
from hub.notices.words import load_words
from tests.kit.pki import NOW
from tests.unit.adapters.test_email_sealers import PLAIN, RECIPIENT, SEAL, frame


def test_a_process_seals_until_the_hub_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(30)
        with theirs:
            process = interpreter(theirs)
        try:
            ours.sendall(framed((SEAL, (load_words,)), keys=True))
            assert frame(ours) is None
            process.send_signal(signal.SIGTERM)  # type: ignore[attr-defined]  # it is a Popen
            ours.sendall(framed([(PLAIN, NOW)]))
            ((delivery, message),) = frame(ours)
            assert delivery == PLAIN.delivery
            assert isinstance(message, Message)
            assert message.certificate == RECIPIENT.fingerprint
            ours.close()  # as the kernel does when the hub dies
            assert process.wait(timeout=30) == 0  # type: ignore[call-arg]
        finally:
            process.kill()
            process.wait()
