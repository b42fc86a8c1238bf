"""Two Postfix, one Dovecot and one Roundcube for receipt_samples.py: private folders, loopback, gone afterwards.

``relay.hub.example`` is the hub's own mail server: it sends on what the hub hands over, keeps what comes back for
``hub.example``, and gives up after seconds instead of days. ``mail.council.example`` is the recipients': it hands their
mail to Dovecot, whose Sieve answers, refuses and redirects.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

PASSWORD = "made-up"
POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = {host}
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtp_tls_security_level = none
transport_maps = texthash:{folder}/transport
biff = no
append_dot_mydomain = no
"""
RELAY = """
virtual_mailbox_domains = hub.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:8
virtual_gid_maps = static:8
delay_warning_time = 1s
confirm_delay_cleared = no
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 1s
maximal_queue_lifetime = 25s
smtp_destination_concurrency_failed_cohort_limit = 0
"""
COUNCIL = """
virtual_mailbox_domains = council.example, elsewhere.example
virtual_transport = lmtp:[127.0.0.1]:{lmtp}
lmtp_assume_final = yes
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_alias_maps = texthash:{folder}/aliases
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access, permit_mynetworks, reject
"""
SERVICES = """
{listeners}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
"""
DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp imap
listen = 127.0.0.1
hostname = mail.council.example
postmaster_address = postmaster@council.example
ssl = no
disable_plaintext_auth = no
auth_username_format = %Ln
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%n
submission_host = 127.0.0.1:{submission}
quota_full_tempfail = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%Ln {folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
protocol lmtp {{
  mail_plugins = quota sieve
}}
plugin {{
  quota = count:Mailbox
  quota_vsizes = yes
  sieve = file:{folder}/sieve;active={folder}/sieve/%n.sieve
  sieve_vacation_send_from_recipient = yes
}}
"""
WEBMAIL = """<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{folder}/webmail.sqlite?mode=0600';
$config['imap_host'] = '127.0.0.1:{imap}';
$config['smtp_host'] = '127.0.0.1:{submission}';
$config['smtp_user'] = '';
$config['smtp_pass'] = '';
$config['username_domain'] = 'council.example';
$config['mail_domain'] = 'council.example';
$config['smtp_helo_host'] = 'webmail.council.example';
$config['http_received_header'] = false;
$config['des_key'] = 'made-up-made-up-made-up-';
$config['log_dir'] = '{folder}/';
$config['temp_dir'] = '{folder}/';
$config['plugins'] = [];
$config['skin'] = 'elastic';
$config['language'] = 'en_GB';
$config['enable_installer'] = false;
$config['session_lifetime'] = 10;
$config['ip_check'] = false;
"""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens there; TimeoutError after 20 s."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


class Postfix:
    """One instance with a configuration, a queue and a log of its own."""

    def __init__(self, folder: Path, host: str, listeners: dict[int, str], settings: str, **values: object) -> None:
        self.folder = folder
        for name in ("etc", "queue", "data", "mail"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix", "postfix")
        shutil.chown(folder / "mail", "mail", "mail")
        text = (POSTFIX + settings).format(folder=folder, host=host, **values)
        (folder / "etc" / "main.cf").write_text(text, encoding="ascii")
        lines = "\n".join(f"127.0.0.1:{port} inet n - n - - smtpd {more}" for port, more in listeners.items())
        (folder / "etc" / "master.cf").write_text(SERVICES.format(listeners=lines), encoding="ascii")

    def table(self, name: str, rows: dict[str, str]) -> None:
        text = "".join(f"{key} {value}\n" for key, value in rows.items())
        (self.folder / name).write_text(text, encoding="ascii")

    def command(self, verb: str) -> None:
        subprocess.run(["postfix", "-c", self.folder / "etc", verb], check=True, capture_output=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.command("start")
        try:
            yield
        finally:
            self.command("stop")


@contextlib.contextmanager
def dovecot(folder: Path, users: dict[str, str], sieve: dict[str, str], **ports: int) -> Iterator[None]:
    """``users``: name and extra fields of its userdb entry; ``sieve``: the script of a user, by name."""
    for name in ("mail", "sieve", "state"):
        (folder / name).mkdir(parents=True)
    rows = "".join(f"{name}::8:8::{folder}/mail/{name}::{extra}\n" for name, extra in users.items())
    (folder / "users").write_text(rows, encoding="ascii")
    for name, script in sieve.items():
        (folder / "sieve" / f"{name}.sieve").write_text(script, encoding="ascii")
    for path in (folder / "mail", folder / "sieve"):
        subprocess.run(["chown", "-R", "mail:mail", path], check=True)
    config = folder / "dovecot.conf"
    config.write_text(DOVECOT.format(folder=folder, password=PASSWORD, **ports), encoding="ascii")
    process = subprocess.Popen(["dovecot", "-F", "-c", config])
    try:
        wait_for(ports["lmtp"])
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


class Webmail:
    """A reader at the browser of Roundcube: logs in, opens the newest message, says that it was read."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/"
        self._browser: OpenerDirector = build_opener(HTTPCookieProcessor())

    def _ask(self, query: dict[str, str], form: dict[str, str] | None = None, token: str = "") -> str:
        data = None if form is None else urlencode(form).encode()
        headers = {"X-Roundcube-Request": token} if token else {}
        request = Request(f"{self._url}?{urlencode(query)}", data, headers)
        with self._browser.open(request, timeout=30) as answer:
            return str(answer.read().decode())

    def read_and_confirm(self, user: str) -> None:
        page = self._ask({"_task": "login"})
        form = {"_task": "login", "_action": "login", "_user": user, "_pass": PASSWORD, "_token": _token(page)}
        self._ask({"_task": "login"}, form)
        page = self._ask({"_task": "mail", "_action": "show", "_uid": "1", "_mbox": "INBOX"})
        form = {"_uid": "1", "_mbox": "INBOX", "_remote": "1"}
        said = self._ask({"_task": "mail", "_action": "sendmdn"}, form, _token(page))
        if "receipt" not in said:
            raise RuntimeError(f"the webmail sent no receipt: {said[:500]}")


def _token(page: str) -> str:
    found = re.search(r'"request_token":"(\w+)"', page)
    if found is None:
        raise RuntimeError("the webmail's page has no request token")
    return found.group(1)


@contextlib.contextmanager
def webmail(folder: Path, **ports: int) -> Iterator[Webmail]:
    folder.mkdir()
    (folder / "config.inc.php").write_text(WEBMAIL.format(folder=folder, **ports), encoding="ascii")
    shutil.copy("/etc/roundcube/defaults.inc.php", folder)
    shutil.copy("/etc/roundcube/mimetypes.php", folder)
    database = folder / "webmail.sqlite"
    schema = Path("/usr/share/roundcube/SQL/sqlite.initial.sql").read_bytes()
    subprocess.run(["sqlite3", database], input=schema, check=True)
    port = free_port()
    process = subprocess.Popen(
        ["php", "-S", f"127.0.0.1:{port}", "-t", "/usr/share/roundcube"],
        env={**os.environ, "ROUNDCUBE_CONFIG_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield Webmail(port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
