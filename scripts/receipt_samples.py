"""Make tests/data/receipts anew: what real mail servers and a real client send back to a notice.

    sudo .venv/bin/python scripts/receipt_samples.py tests/data/receipts

Needs root and Debian's postfix, dovecot-lmtpd, dovecot-imapd, dovecot-sieve, roundcube-core, roundcube-sqlite3,
php-sqlite3 and sqlite3. Notices go out as the hub sends them (EmailTransport) through a private Postfix to another,
which has a Dovecot behind it; everything runs on the loopback, in a temporary folder, and is ended again. What comes
back is written as the relay put it into its mailbox. The token of a case is ``token(case)``.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import smtplib
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path

from receipt_samples_servers import COUNCIL, RELAY, Postfix, dovecot, free_port, wait_for, webmail

from adapters.email.chain import Trust
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.email.verp import ReceiptsAddress
from adapters.port import Accepted, Content, Envelope
from hub.demo.pki import Authority
from hub.edge.clock import SystemClock

RETURN_PATH = "r+{token}@hub.example"
CASES = {
    "delivered": "jo@council.example",
    "expanded": "team@council.example",
    "relayed": "jo@elsewhere.example",
    "unknown-user": "nobody@council.example",
    "refused": "refuses@council.example",
    "full-mailbox": "full@council.example",
    "bounced-after-relayed": "gone@elsewhere.example",
    "bounced-after-delivered": "moved@council.example",
    "delayed-then-expired": "jo@unreachable.example",
    "delayed-then-delivered": "later@council.example",
    "declined": "declines@council.example",
    "displayed": "reader@council.example",
    "away": "away@council.example",
}
"""Who is written to. ``team`` stands for two mailboxes, ``gone`` is known to Postfix and not to Dovecot."""
TWICE = {"bounced-after-relayed", "bounced-after-delivered", "delayed-then-expired", "delayed-then-delivered",
         "declined", "displayed", "away"}  # fmt: skip
"""Cases of which two reports come back."""
ANSWERED = ("away", "declined")
"""Sieve answers no mail that says it is from a machine. What it was told to reject, it then discards in silence, and
the server reports it as delivered: seen with Dovecot 2.3.19."""
SIEVE = {
    "away": 'require ["vacation"];\nvacation :days 1 :subject "Away until Monday" "I am away until Monday.";\n',
    "declines": 'require ["reject"];\nreject "This mailbox takes no such mail.";\n',
    "moved": 'redirect "gone@elsewhere.example";\n',
}
ASKS_FOR_NO_ANSWER = re.compile(rb"^(?:Auto-Submitted|X-Auto-Response-Suppress): [^\r]*\r\n", re.MULTILINE)
OWN_NAME = f"@{socket.gethostname()}>".encode()
"""Dovecot puts the machine's name into a Message-ID; that of the machine this ran on is nobody's business."""
PATIENCE = 60


def token(case: str) -> str:
    """160 bits in 32 lower-case letters and digits, as the hub's."""
    return base64.b32encode(hashlib.sha256(case.encode()).digest()[:20]).decode().lower()


class Sender:
    """The hub's way out, with a certificate for everybody."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._now = SystemClock().now()
        authority = Authority("Fictional Root", self._now)
        hub = authority.mailbox("notices@hub.example")
        self._signer = Signer(certificate=hub.certificate, key=hub.key)
        self._readers = authority.mailboxes(CASES.values())
        self._trust = Trust(pinned=frozenset())

    def _envelope(self, case: str) -> Envelope:
        der = self._readers[CASES[case]].der
        return Envelope(
            delivery=f"dl-{case}",
            reference="FP-2345-6789",
            address=CASES[case],
            body=Content(subject="Made up", text="Made up.", html="<p>Made up.</p>"),
            certificates=(der,),
            pinned=frozenset({hashlib.sha256(der).hexdigest()}),
            receipt_token=token(case),
        )

    async def send(self, cases: list[str]) -> None:
        transport = EmailTransport(
            host="127.0.0.1",
            port=self._port,
            tls_context=ssl.create_default_context(),
            tls="opportunistic",
            sender="notices@hub.example",
            mail_domain="hub.example",
            return_path=RETURN_PATH,
            signer=self._signer,
            trust=self._trust,
        )
        for case in cases:
            result = await transport.deliver(self._envelope(case), self._now)
            if not isinstance(result, Accepted):
                raise RuntimeError(f"{case}: {result}")
        await transport.aclose()

    def send_as_a_person_would(self, case: str) -> None:
        """Without the fields that keep Sieve from answering, as from a hub that forgot them."""
        address = ReceiptsAddress.of_template(RETURN_PATH)
        letterhead = Letterhead(
            sender="notices@hub.example",
            mail_domain="hub.example",
            return_path=address,
            receipts=address,
            size_limit=10**7,
        )
        message = prepare(self._envelope(case), self._now, letterhead, self._signer, self._trust)
        if not isinstance(message, Message):
            raise TypeError(f"{case}: {message}")
        with smtplib.SMTP("127.0.0.1", self._port) as server:
            options = (f"ENVID={token(case)}", "RET=HDRS")
            server.sendmail(
                message.return_path,
                [message.recipient],
                ASKS_FOR_NO_ANSWER.sub(b"", message.data),
                options,
                ("NOTIFY=SUCCESS,FAILURE,DELAY",),
            )


class Box:
    """What came back for hub.example."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, case: str) -> list[bytes]:
        """In the order of arrival."""
        paths = sorted((self._folder / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        raws = [path.read_bytes() for path in paths]
        to = f"Delivered-To: {RETURN_PATH.format(token=token(case))}\n".encode()
        return [raw for raw in raws if to in raw]

    def wait(self, case: str, count: int) -> list[bytes]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.of(case)
            if len(found) >= count:
                return found
            time.sleep(0.2)
        raise TimeoutError(f"{case}: {len(self.of(case))} of {count} reports after {PATIENCE} s")


def kind(raw: bytes) -> str:
    """A word for the file's name."""
    if found := re.search(rb"^Action: (\w+)", raw, re.MULTILINE):
        return found[1].decode()
    if found := re.search(rb"^Disposition:[^;]*;\s*(\w+)", raw, re.MULTILINE):
        return f"mdn-{found[1].decode()}"
    return "reply"


def write(target: Path, case: str, raws: list[bytes]) -> None:
    for raw in raws:
        path = target / f"{case}.{kind(raw)}.eml"
        path.write_bytes(raw.replace(OWN_NAME, b"@mail.council.example>"))
        print(path.name)


def run(folder: Path, target: Path) -> None:
    into_relay, into_council, without_dsn, lmtp, imap = (free_port() for _ in range(5))
    relay = Postfix(folder / "relay", "relay.hub.example", {into_relay: ""}, RELAY)
    relay.table(
        "transport",
        {
            "council.example": f"smtp:[127.0.0.1]:{into_council}",
            "elsewhere.example": f"smtp:[127.0.0.1]:{without_dsn}",
            "unreachable.example": f"smtp:[127.0.0.1]:{free_port()}",
        },
    )
    listeners = {into_council: "", without_dsn: "-o smtpd_discard_ehlo_keywords=dsn"}
    council = Postfix(folder / "council", "mail.council.example", listeners, COUNCIL, lmtp=lmtp)
    council.table("transport", {"hub.example": f"smtp:[127.0.0.1]:{into_relay}"})
    known = {address: "x" for case, address in CASES.items() if case not in ("expanded", "unknown-user")}
    council.table("mailboxes", known | {"sam@council.example": "x", "gone@elsewhere.example": "x"})
    council.table("aliases", {"team@council.example": "jo@council.example, sam@council.example"})
    refusal = {"refuses@council.example": "554 5.7.1 Mail from you is not taken here"}
    council.table("access", refusal | {"later@council.example": "450 4.2.1 Come back later"})
    users = {"full": "userdb_quota_rule=*:bytes=100"}
    users |= {name: "" for name in ("jo", "sam", "moved", "later", "declines", "reader", "away")}

    with contextlib.ExitStack() as stack:
        stack.enter_context(dovecot(folder / "dovecot", users, SIEVE, lmtp=lmtp, imap=imap, submission=into_council))
        stack.enter_context(council.running())
        stack.enter_context(relay.running())
        for port in (into_relay, into_council, without_dsn, imap):
            wait_for(port)
        browser = stack.enter_context(webmail(folder / "webmail", imap=imap, submission=into_council))
        sender, box = Sender(into_relay), Box(folder / "relay" / "mail" / "box")
        asyncio.run(sender.send([case for case in CASES if case not in ANSWERED]))
        for case in ANSWERED:
            sender.send_as_a_person_would(case)
        box.wait("delayed-then-delivered", 1)
        council.table("access", refusal)
        council.command("reload")
        box.wait("displayed", 1)
        browser.read_and_confirm("reader")
        for case in CASES:
            write(target, case, box.wait(case, 2 if case in TWICE else 1))


def main() -> None:
    if os.geteuid() != 0 or len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="receipts-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        run(folder, target)


if __name__ == "__main__":
    main()
