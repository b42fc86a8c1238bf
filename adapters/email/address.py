"""E-mail addresses as they go on the wire: ASCII only, no quoting, nothing that could end a line or a command. Pure."""

import re
from functools import lru_cache

import idna

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class InvalidField(ValueError):
    """A value cannot stand in a message as it is. Its text names the field and never repeats the value."""


@lru_cache(maxsize=1024)
def wire_address(address: str) -> str:
    """``local@domain`` with the domain in lower-case A-labels (RFC 5890).

    Raises InvalidField for a local part that is not an ASCII dot-atom (RFC 5321 4.1.2; SMTPUTF8 is not spoken) and
    for a domain that is not a host name. The local part is left as it is: only its owner may say that case does not
    matter (RFC 5321 2.4).
    """
    local, at, domain = address.rpartition("@")
    if not at or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise InvalidField("address: the part before the @ is not usable; correct it in the directory")
    return f"{local}@{wire_domain(domain)}"


@lru_cache(maxsize=256)
def wire_domain(domain: str) -> str:
    """The domain in lower-case A-labels, without a final dot. Raises InvalidField."""
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise InvalidField("address: the domain is not usable; correct it in the directory") from None
    labels = ascii_domain.lower().split(".")
    if len(labels) < 2 or len(ascii_domain) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidField("address: the domain is not usable; correct it in the directory")
    return ".".join(labels)


def same_mailbox(left: str, right: str) -> bool:
    """RFC 5280 7.5: local parts compare exactly, domains without case and in A-labels. An unusable
    address matches nothing."""
    try:
        return wire_address(left) == wire_address(right)
    except InvalidField:
        return False
