"""Have a real Thunderbird answer a notice, signed and encrypted, with the keys of tests/data/replies.

    .venv/bin/python scripts/reply_samples_thunderbird.py tests/data/replies

After reply_samples.py. Needs Debian's thunderbird, libnss3-tools and openssl. It is driven without a screen, by its own
Marionette protocol: a window to write in is opened, and *Send* is pressed. The file is what its mail server is handed.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

JO = "jo@council.example"
PREFERENCES: dict[str, Any] = {
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server1",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.server.server1.type": "none",
    "mail.server.server1.hostname": "Local Folders",
    "mail.server.server1.userName": "nobody",
    "mail.identity.id1.useremail": JO,
    "mail.identity.id1.fullName": "Jo Worker",
    "mail.identity.id1.valid": True,
    "mail.identity.id1.smtpServer": "smtp1",
    "mail.identity.id1.fcc": False,
    "mail.identity.id1.compose_html": False,
    "mail.identity.id1.sign_mail": True,
    "mail.identity.id1.encryptionpolicy": 2,
    "mail.smtpservers": "smtp1",
    "mail.smtp.defaultserver": "smtp1",
    "mail.smtpserver.smtp1.hostname": "127.0.0.1",
    "mail.smtpserver.smtp1.authMethod": 1,
    "mail.smtpserver.smtp1.try_ssl": 0,
    "mail.SpellCheckBeforeSend": False,
    "mail.compose.attachment_reminder": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mailnews.start_page.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "security.OCSP.enabled": 0,
    "network.proxy.type": 0,
}
WRITE = r"""
const done = arguments[arguments.length - 1];
(async () => {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const identity = MailServices.accounts.allIdentities[0];
  const certificates = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).getCerts();
  const own = certificates.find(one => one.getEmailAddresses().includes("jo@council.example"));
  for (const use of ["signing", "encryption"]) {
    identity.setUnicharAttribute(use + "_cert_name", own.displayName);
    identity.setCharAttribute(use + "_cert_dbkey", own.dbKey);
  }
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
  fields.to = "notices@hub.example";
  fields.subject = "Re: [OFFICIAL-SENSITIVE] Secure notice FP-2345-6789";
  fields.references = "<dl_01SAMPLE@hub.example>";
  fields.body = "She is safe at her grandmother’s.\n\n-- \nJo Worker\nFront door\n\n" +
    "On 1 Mar 2026, at 19:00, Notices <notices@hub.example> wrote:\n\n" +
    "> Action wanted: accept this notice.\n>\n> Reference FP-2345-6789\n";
  const asked = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
  asked.composeFields = fields;
  asked.identity = identity;
  asked.format = Ci.nsIMsgCompFormat.PlainText;
  asked.type = Ci.nsIMsgCompType.New;
  const opened = new Promise(resolve => {
    Services.obs.addObserver(function seen(window, topic) {
      window.addEventListener("compose-editor-ready", () => {
        Services.obs.removeObserver(seen, topic);
        resolve(window);
      }, { once: true });
    }, "domwindowopened");
  });
  MailServices.compose.OpenComposeWindowWithParams(null, asked);
  const window = await opened;
  await new Promise(resolve => window.setTimeout(resolve, 3000));
  window.setTimeout(() => window.goDoCommand("cmd_sendNow"), 1000);
  done([window.gSendSigned, window.gSendEncrypted, window.gSelectedTechnologyIsPGP]);
})().catch(error => done(String(error)));
"""


class Sink:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope.original_content or b"")
        return "250 OK"


class Marionette:
    """Its protocol: JSON with its length before it."""

    def __init__(self, port: int) -> None:
        for _ in range(120):
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
                break
            except OSError:
                time.sleep(0.5)
        self._count = 0
        self._read()

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._socket.recv(1)
        wanted, data = int(length[:-1]), b""
        while len(data) < wanted:
            data += self._socket.recv(wanted - len(data))
        return json.loads(data)

    def __call__(self, command: str, **given: Any) -> Any:
        self._count += 1
        data = json.dumps([0, self._count, command, given]).encode()
        self._socket.sendall(b"%d:%s" % (len(data), data))
        _, _, error, value = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['message']}")
        return value


def profile(folder: Path, keys: Path, smtp: int, marionette: int) -> None:
    database = f"sql:{folder}"
    _run("certutil", "-N", "-d", database, "--empty-password")
    for name, trust in (("root", ",C,"), ("intermediate", ",,"), ("hub", ",,")):
        _run("certutil", "-A", "-d", database, "-n", name, "-t", trust, "-i", str(keys / f"{name}.pem"))
    bundle = str(folder / "jo.p12")
    _run("openssl", "pkcs12", "-export", "-in", str(keys / "jo.pem"), "-inkey", str(keys / "jo.key"), "-out", bundle,
         "-passout", "pass:x", "-name", "jo")  # fmt: skip
    _run("pk12util", "-i", bundle, "-d", database, "-W", "x", "-K", "")
    chosen = PREFERENCES | {"mail.smtpserver.smtp1.port": smtp, "marionette.port": marionette}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items())
    (folder / "user.js").write_text("".join(lines))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main(target: Path) -> None:
    smtp, marionette, sink = free_port(), free_port(), Sink()
    server = Controller(sink, hostname="127.0.0.1", port=smtp)
    server.start()
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        profile(Path(name), target / "keys", smtp, marionette)
        options = ("--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", name)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "HOME": name, "MOZ_HEADLESS": "1"}
        with subprocess.Popen(("thunderbird", *options), env=environment, **quiet) as running:
            try:
                driver = Marionette(marionette)
                driver("WebDriver:NewSession", capabilities={})
                driver("Marionette:SetContext", value="chrome")
                driver("WebDriver:SetTimeouts", script=60_000)
                said = driver("WebDriver:ExecuteAsyncScript", script=WRITE, args=[], sandbox="system")
                if said["value"] != [True, True, False]:
                    raise RuntimeError(f"it would not sign and encrypt: {said}")
                for _ in range(60):
                    if sink.mails:
                        break
                    time.sleep(0.5)
            finally:
                running.terminate()
    server.stop()
    (target / "thunderbird.eml").write_bytes(sink.mails[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
