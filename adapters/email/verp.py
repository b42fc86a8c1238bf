"""Where the receipts of one delivery come back to: an address of its own, made from a template. Pure.

Mail systems may fold the case of a local part on the way (RFC 5321 2.4 forbids it, and it happens), so a token is
lower-case letters and digits, and is found in any case.
"""

import re
from dataclasses import dataclass

from adapters.email.address import InvalidField, wire_address

PLACE = "{token}"
_TOKEN = re.compile(r"[a-z0-9]{16,48}")
_LONGEST = "x" * 32
"""As long as the tokens that the hub makes; a local part has 64 octets (RFC 5321 4.5.3.1.1)."""


def receipt_token(token: str) -> str:
    """The token, if it can stand in an address and an ENVID as it is. Raises InvalidField."""
    if not _TOKEN.fullmatch(token):
        raise InvalidField("receipt_token: not a token made by the hub")
    return token


def token_in(text: str) -> str | None:
    """The token that this text is, in any case of its letters; None if it is something else."""
    folded = text.strip().lower()
    return folded if _TOKEN.fullmatch(folded) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsAddress:
    """``r+{token}@hub.example``: what stands before the token, after it, and the domain (A-labels)."""

    before: str
    after: str
    domain: str

    @classmethod
    def of_template(cls, template: str) -> "ReceiptsAddress":
        """Raises InvalidField for a template that is no address, or does not hold ``{token}`` exactly once and before
        the @."""
        local, _, _ = template.rpartition("@")
        if template.count(PLACE) != 1 or PLACE not in local:
            raise InvalidField("address: the template must hold {token} once, before the @")
        try:
            local, _, domain = wire_address(template.replace(PLACE, _LONGEST)).rpartition("@")
        except InvalidField:
            raise InvalidField(
                "address: the template is no address, or there is no room in it for a token of 32"
            ) from None
        before, _, after = local.partition(_LONGEST)
        return cls(before=before, after=after, domain=domain)

    def address(self, token: str) -> str:
        """The address of one delivery. Raises InvalidField."""
        return wire_address(f"{self.before}{receipt_token(token)}{self.after}@{self.domain}")

    def covers(self, address: str) -> bool:
        """Whether it is one of these addresses, whatever stands in the place of the token."""
        return self._middle(address) is not None

    def token(self, address: str) -> str | None:
        """The token in it; None if the address is none of these, or what it holds cannot be a token."""
        middle = self._middle(address)
        return None if middle is None else token_in(middle)

    def _middle(self, address: str) -> str | None:
        local, _, domain = address.strip().removeprefix("<").removesuffix(">").rpartition("@")
        before, after = self.before.lower(), self.after.lower()
        folded = local.lower()
        if domain.rstrip(".").lower() != self.domain or len(folded) <= len(before) + len(after):
            return None
        if not folded.startswith(before) or not folded.endswith(after):
            return None
        return folded[len(before) : len(folded) - len(after)]
