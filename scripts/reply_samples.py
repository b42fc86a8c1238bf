"""Make tests/data/replies anew: answers to a notice as mail programs send them, and some that must not be believed.

    PYTHONPATH=. .venv/bin/python scripts/reply_samples.py tests/data/replies

Needs openssl, gpgsm with its agent, and mutt built with GPGME. What openssl writes is put into the parts that Outlook,
Apple Mail and gateways make, as their mails show them; Thunderbird's own are made by reply_samples_thunderbird.py with
the keys that this script writes. Keys and certificates are made up, and valid from 2020 to 2090.
"""

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms

from tests.kit.gnupg import gnupg_home, import_key
from tests.kit.pki import Issued, curve_key, intermediate, person, root, rsa_key

JO, SAM, KIM = "jo@council.example", "sam@council.example", "kim@elsewhere.example"
HUB = "notices@hub.example"
NOTICE = "<dl_01SAMPLE@hub.example>"
SUBJECT = "Re: [OFFICIAL-SENSITIVE] Secure notice FP-2345-6789"
OUTSIDE = (
    "From: {sender}\nTo: Notices <notices@hub.example>\nSubject: Re: [OFFICIAL-SENSITIVE] Secure notice FP-2345-6789\n"
    "Date: Sun, 1 Mar 2026 19:20:00 +0000\nMessage-ID: <answer@council.example>\nIn-Reply-To: {notice}\n"
    "References: {notice}\nMIME-Version: 1.0\n"
)
QUOTE = "Action wanted: accept this notice.\n\nReference FP-2345-6789"
TEXT = "She is safe at her grandmother’s.\n\n-- \nJo Worker\nFront door"
BELOW = "\n\nOn 1 Mar 2026, at 19:00, Notices <notices@hub.example> wrote:\n\n" + "\n".join(
    f"> {line}".rstrip() for line in QUOTE.split("\n")
)
PLAIN = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{TEXT}{BELOW}\n".encode()
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(range(256)) * 4 + b"\xff\xd9"


def people() -> Mapping[str, Issued]:
    """By the names of their files."""
    past = datetime(2021, 1, 1, tzinfo=UTC)
    return {
        "root": root(),
        "intermediate": intermediate(),
        "hub": person(HUB, issuer=intermediate(), key=rsa_key("hub")),
        "hub-curve": person(HUB, issuer=intermediate(), key=curve_key("hub")),
        "jo": person(JO, issuer=intermediate(), key=rsa_key("jo")),
        "jo-curve": person(JO, issuer=intermediate(), key=curve_key("jo"), usage=False),
        "jo-expired": person(JO, issuer=intermediate(), key=rsa_key("jo"), end=past),
        "jo-unknown": person(JO, issuer=None, key=rsa_key("stranger")),
        "sam": person(SAM, issuer=intermediate(), key=rsa_key("sam")),
        "kim": person(KIM, issuer=intermediate(), key=rsa_key("kim")),
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """openssl, with everybody's keys in one folder."""

    folder: Path

    def _run(self, *arguments: str, given: bytes) -> bytes:
        command = ("openssl", "cms", *arguments)
        done = subprocess.run(command, input=given, capture_output=True, cwd=self.folder, check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()}")
        return done.stdout

    def sign(self, entity: bytes, *options: str, by: str = "jo") -> bytes:
        """An entity in a signature: ``multipart/signed``, or with ``-nodetach`` opaque."""
        files = ("-signer", f"{by}.pem", "-inkey", f"{by}.key", "-certfile", "intermediate.pem")
        return self._entity(self._run("-sign", "-binary", "-crlfeol", *files, *options, given=crlf(entity)))

    def seal(self, entity: bytes, *options: str, to: str = "hub") -> bytes:
        """An entity in an encryption. ``-keyopt`` stands behind the recipient that it is of."""
        before = [one for one in options if not one.startswith(("rsa_", "ecdh_"))]
        keyopts = [part for one in options if one not in before for part in ("-keyopt", one)]
        cipher = [] if any(one.startswith(("-aes", "-des")) for one in before) else ["-aes256"]
        made = self._run("-encrypt", "-binary", *cipher, *before, "-recip", f"{to}.pem", *keyopts, given=crlf(entity))
        return self._entity(made)

    @staticmethod
    def _entity(made: bytes) -> bytes:
        return crlf(made).removeprefix(b"MIME-Version: 1.0\r\n")


def crlf(data: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", data)


def mail(entity: bytes, sender: str = f"Jo Worker <{JO}>", notice: str = NOTICE) -> bytes:
    """With its fields around it."""
    return crlf(OUTSIDE.format(sender=sender, notice=notice).encode()) + crlf(entity)


def multipart(kind: str, mark: str, *parts: bytes, more: str = "") -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"{more}\n\n'.encode()
    return head + b"".join(b"--%s\n%s\n" % (mark.encode(), part) for part in parts) + f"--{mark}--\n".encode()


def wrapped(data: bytes, fields: str) -> bytes:
    return fields.encode() + b"\n\n" + base64.encodebytes(data)


def der_of(entity: bytes) -> bytes:
    return base64.b64decode(entity.partition(b"\r\n\r\n")[2])


def by_openssl(desk: Desk) -> dict[str, bytes]:
    """Everything that may be combined, and what must not count."""
    signed, opaque = desk.sign(PLAIN), desk.sign(PLAIN, "-nodetach")
    changed = bytearray(der_of(desk.seal(signed)))
    changed[len(changed) // 2] ^= 1
    cms_head = (
        'Content-Type: application/pkcs7-mime; smime-type={}; name="smime.p7m"\nContent-Transfer-Encoding: base64'
    )
    compressed = cms.ContentInfo(
        {"content_type": "compressed_data",
         "content": {"version": 0, "compression_algorithm": {"algorithm": "zlib"},
                     "encap_content_info": {"content_type": "data", "content": PLAIN}}}
    ).dump()  # fmt: skip
    sealed = desk.seal(signed)
    leak = b'Content-Type: text/html\n\n<img src="http://elsewhere.example/'
    made = {
        "detached": sealed,
        "opaque": desk.seal(opaque),
        "streamed": desk.seal(desk.sign(PLAIN, "-nodetach", "-stream"), "-stream"),
        "aes128": desk.seal(signed, "-aes128"),
        "aes192": desk.seal(signed, "-aes192"),
        "gcm": desk.seal(signed, "-aes-256-gcm"),
        "gcm-streamed": desk.seal(signed, "-aes-128-gcm", "-stream"),
        "oaep": desk.seal(signed, "rsa_padding_mode:oaep"),
        "oaep-sha256": desk.seal(signed, "rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"),
        "ecdh": desk.seal(signed, to="hub-curve"),
        "ecdh-sha256": desk.seal(signed, "ecdh_kdf_md:sha256", "-aes128", to="hub-curve"),
        "by-key-id": desk.seal(desk.sign(PLAIN, "-keyid"), "-keyid"),
        "signed-on-a-curve": desk.seal(desk.sign(PLAIN, by="jo-curve")),
        "signed-with-pss": desk.seal(desk.sign(PLAIN, "-keyopt", "rsa_padding_mode:pss")),
        "triple": desk.sign(sealed),
        "triple-opaque": desk.sign(desk.seal(opaque), "-nodetach"),
        "signed-twice": desk.seal(desk.sign(signed, by="kim")),
        "beside-a-leak": multipart("mixed", "leak", leak, sealed, b'Content-Type: text/html\n\n">'),
        # not to be believed
        "plain": PLAIN,
        "only-signed": signed,
        "only-encrypted": desk.seal(PLAIN),
        "encrypted-then-signed": desk.sign(desk.seal(PLAIN)),
        "triple-des": desk.seal(signed, "-des3"),
        "compressed": wrapped(compressed, cms_head.format("compressed-data")),
        "to-another": desk.seal(signed, to="kim"),
        "changed": wrapped(bytes(changed), cms_head.format("enveloped-data")),
        "cut": sealed[: len(sealed) // 2],
        "altered": desk.seal(crlf(signed).replace(b"She is safe", b"He is safer")),
        "expired": desk.seal(desk.sign(PLAIN, by="jo-expired")),
        "unknown-authority": desk.seal(desk.sign(PLAIN, by="jo-unknown")),
        "nothing-said": desk.seal(desk.sign(b"Content-Type: text/plain\n\n\n")),
        "too-deep": _deep(desk, signed),
    }
    done = {f"openssl-{name}": mail(entity) for name, entity in made.items()}
    done["openssl-by-a-colleague"] = mail(desk.seal(desk.sign(PLAIN, by="sam")), f"Sam <{SAM}>")
    done["openssl-by-a-stranger"] = mail(desk.seal(desk.sign(PLAIN, by="kim")), f"Kim <{KIM}>")
    done["openssl-in-another-name"] = mail(desk.seal(desk.sign(PLAIN, by="kim")))
    protected = PLAIN.replace(b"utf-8\n", b'utf-8; hp="cipher"\nFrom: Sam <sam@council.example>\n', 1)
    done["openssl-other-protected-from"] = mail(desk.seal(desk.sign(protected)))
    return done


def _deep(desk: Desk, entity: bytes) -> bytes:
    for _ in range(7):
        entity = desk.seal(entity)
    return entity


def like_others(desk: Desk) -> dict[str, bytes]:
    """The parts that other programs make, with what openssl writes inside."""
    page = (
        "<html><head><style>p.MsoNormal {margin:0}</style></head><body><div class=WordSection1>"
        "<p class=MsoNormal>She is safe at her grandmother&#8217;s.<o:p></o:p></p><p class=MsoNormal>-- <br>Jo Worker"
        "<br>Front door</p><div><p class=MsoNormal><b>From:</b> Notices &lt;"
        "notices@hub.example&gt;<br><b>Sent:</b> 01 March 2026 19:00<br><b>To:</b> Jo Worker<br><b>Subject:</b> "
        "Secure notice FP-2345-6789</p></div><p>Action wanted: accept this notice.</p></div></body></html>"
    )
    outlook = (
        f"{TEXT}\n\nFrom: Notices <notices@hub.example>\nSent: 01 March 2026 19:00\nTo: Jo Worker\n"
        f"Subject: Secure notice FP-2345-6789\n\n{QUOTE}\n"
    )
    quoted_1252 = (
        b'Content-Type: text/plain;\n\tcharset="Windows-1252"\nContent-Transfer-Encoding: quoted-printable\n\n'
    )
    text_1252 = quoted_1252 + outlook.encode("cp1252").replace(b"=", b"=3D").replace(b"\x92", b"=92")
    html = wrapped(page.encode(), "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64")
    both = multipart("alternative", "----=_NextPart_000_0001_01DA", text_1252, html)
    tnef = wrapped(
        b"\x78\x9f\x3e\x22" + bytes(60),
        'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n'
        'Content-Disposition: attachment; filename="winmail.dat"',
    )
    eml = b'Content-Type: message/rfc822\nContent-Disposition: attachment; filename="old.eml"\n\n' + mail(PLAIN)
    photo = wrapped(
        PHOTO, 'Content-Type: image/jpeg; name="IMG_0001.jpeg"\nContent-Transfer-Encoding: base64\n'
        'Content-Disposition: inline; filename="IMG_0001.jpeg"'
    )  # fmt: skip
    apple_text = (
        f"Content-Type: text/plain;\n\tcharset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{TEXT}{BELOW}\n".encode()
    )
    apple_page = (
        "Content-Type: text/html;\n\tcharset=utf-8\nContent-Transfer-Encoding: 8bit\n\n<html><body>She is safe at her "
        'grandmother’s.<div><br></div><div>-- <br>Jo Worker</div><div><br><blockquote type="cite"><div>On 1 Mar 2026, '
        "at 19:00, Notices wrote:</div><div>Action wanted</div></blockquote></div></body></html>\n"
    ).encode()
    apple = multipart(
        "alternative", "Apple-Mail=_1", apple_text,
        multipart("related", "Apple-Mail=_2", apple_page, photo, more=";\n\ttype=\"text/html\""),
    )  # fmt: skip
    pdf = wrapped(
        b"%PDF-1.4\n%made up\n", 'Content-Type: application/octet-stream; name="notes.pdf"\n'
        'Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="notes.pdf"'
    )  # fmt: skip
    sealed = desk.seal(desk.sign(both, "-nodetach"))
    as_file = wrapped(
        der_of(sealed), 'Content-Type: application/octet-stream; name="smime.p7m"\nContent-Transfer-Encoding: base64\n'
        'Content-Disposition: attachment; filename="smime.p7m"'
    )  # fmt: skip
    footer = b"Content-Type: text/plain\n\nThis mail was scanned. Found at the station!\n"
    x_signed = desk.sign(both).replace(b"application/pkcs7-signature", b"application/x-pkcs7-signature")
    only_page = b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + page.encode()
    made = {
        "outlook-opaque": sealed.replace(b"pkcs7-mime;", b"x-pkcs7-mime;"),
        "outlook-clear-signed": desk.seal(x_signed),
        "outlook-page-only": desk.seal(desk.sign(only_page, "-nodetach")),
        "outlook-winmail": desk.seal(desk.sign(multipart("mixed", "tnef", text_1252, tnef), "-nodetach")),
        "outlook-with-a-mail": desk.seal(desk.sign(multipart("mixed", "eml", text_1252, eml, pdf), "-nodetach")),
        "exchange-octet-stream": as_file,
        "gateway-footer": multipart("mixed", "footer", as_file, footer),
        "apple-mail": desk.seal(desk.sign(apple), "-stream"),
    }
    return {name: mail(entity) for name, entity in made.items()}


def by_gnupg(everybody: Mapping[str, Issued], folder: Path) -> dict[str, bytes]:
    """gpgsm by itself, and mutt with it."""
    with gnupg_home() as home:
        environment = {**os.environ, "GNUPGHOME": str(home)}
        import_key(home, lambda: everybody["jo"].p12(b"x"), b"x")

        def gpgsm(*arguments: str, given: bytes) -> bytes:
            options = ("--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase-fd", "3")
            reading, writing = os.pipe()
            os.write(writing, b"x\n")
            os.close(writing)
            os.dup2(reading, 3)
            done = subprocess.run(
                ("gpgsm", *options, *arguments), input=given, capture_output=True, env=environment, pass_fds=(3,),
                timeout=60, check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr.decode(errors="replace"))
            return done.stdout

        for name in ("root", "intermediate", "hub", "jo"):
            gpgsm("--import", given=everybody[name].pem)
        head = (
            'Content-Type: application/pkcs7-mime; smime-type={}; name="smime.p7m"\nContent-Transfer-Encoding: base64'
        )
        signed = wrapped(gpgsm("--sign", "--local-user", JO, given=crlf(PLAIN)), head.format("signed-data"))
        sealed = gpgsm("--encrypt", "--recipient", HUB, given=crlf(signed))
        made = {"gpgsm-opaque": mail(wrapped(sealed, head.format("enveloped-data")))}
        made["mutt"] = by_mutt(folder, environment)
    return made


def by_mutt(folder: Path, environment: Mapping[str, str]) -> bytes:
    """As it hands the mail to sendmail: with a terminal, as it signs nothing without one."""
    sent, script = folder / "sent.eml", folder / "sendmail"
    script.write_text(f"#!/bin/sh\ncat >{sent}\n")
    script.chmod(0o755)
    settings = (
        f'set sendmail="{script}" from="{JO}" realname="Jo Worker" use_from=yes hidden_host=yes '
        "hostname=council.example editor=true abort_unmodified=no autoedit=yes fast_reply=yes charset=utf-8 "
        "crypt_use_gpgme=yes crypt_autosign=yes crypt_autoencrypt=yes crypt_autosmime=yes smime_is_default=yes "
        f'smime_default_key="{JO}" smime_sign_as="{JO}" crypt_autopgp=no copy=no crypt_verify_sig=no '
        "crypt_opportunistic_encrypt=no sendmail_wait=0 user_agent=yes\n"
        f"my_hdr In-Reply-To: {NOTICE}\n"
    )
    (folder / "muttrc").write_text(settings)
    (folder / "body").write_text(f"{TEXT}{BELOW}\n")
    asked = ("mutt", "-F", str(folder / "muttrc"), "-s", SUBJECT, "-i", str(folder / "body"), "--", HUB)
    (folder / "Mail").mkdir()
    child, terminal = pty.fork()
    if not child:
        os.execvpe("mutt", asked, {**environment, "LC_ALL": "C.UTF-8", "TERM": "vt100", "HOME": str(folder)})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    shown = b""
    for _ in range(60):
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # it has ended
                break
        elif sent.exists() and sent.read_bytes().endswith(b"\n"):
            os.write(terminal, b"q")
        else:  # take what is proposed, and from the menu: send
            os.write(terminal, b"y" if b"y:Send" in shown else b"\r")
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    if not sent.exists():
        raise RuntimeError(f"mutt: {shown.decode(errors='replace')}")
    return crlf(sent.read_bytes())


def main(target: Path) -> None:
    """Everything anew; what Thunderbird made with other keys is of no use then, and goes."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.eml"):
        old.unlink()
    keys = target / "keys"
    keys.mkdir(exist_ok=True)
    everybody = people()
    for name, one in everybody.items():
        (keys / f"{name}.pem").write_bytes(one.pem)
        if name not in ("root", "intermediate"):
            (keys / f"{name}.key").write_bytes(one.key_pem)
    desk = Desk(keys)
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        for made in (by_openssl(desk), like_others(desk), by_gnupg(everybody, Path(name))):
            for called, raw in made.items():
                (target / f"{called}.eml").write_bytes(raw)
                print(called)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
