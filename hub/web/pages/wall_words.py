"""What the operator's wall calls things, and what it says can be done."""

from collections.abc import Mapping
from typing import Final

from hub.core.outbox import Caution, Next, Refusal
from hub.service.outbox import Deed, Why

REFUSED: Final[Mapping[Refusal, str]] = {
    "unknown": "there is no such delivery",
    "due": "it is due already",
    "leased": "it is being sent now: ask again in a minute or two",
    "sent": "it has been sent",
    "cancelled": "it is cancelled",
    "superseded": "its notice was overtaken",
    "acknowledged": "its notice has been accepted",
    "withheld": "its person must not be told",
    "held": "whether its person is told is not decided",
    "over": "the episode is over, and it says nothing any more",
    "unreadable": "it does not open: is a key missing?",
}
CAUTIONS: Final[Mapping[Caution, str]] = {
    "maybe_sent": "it may have gone out before, unseen: it may come twice, under the same id",
    "newer_sent": "a later notice has gone out to the same address",
    "closed": "its address said that it is gone: see `fingerpost channels list`",
}
NEXT: Final[Mapping[str, str]] = {
    "try": "It is sent as soon as there is a free place, from",
    "result": "It is being sent; what it came to is known by",
    "look": "Nothing more by this way; its notice is looked at again",
    "nothing": "Nothing, unless you do something.",
}
WHY_WORDS: Final[Mapping[Why, str]] = {
    "mended": "What kept it from going is mended",
    "corrected": "The contact or its certificate has been corrected",
    "asked": "Whoever it is for asked for it again",
    "told_otherwise": "They were told in another way",
    "wrong_contact": "The contact is the wrong one",
    "duplicate": "It would come twice",
    "other": "Another reason",
}
DEEDS: Final[Mapping[Deed, str]] = {"redrive": "Put it back", "cancel": "Call it off"}

CERTIFICATE: Final = "Get a right certificate from them and put it into the directory, then put the delivery back."
PROVIDER: Final = "Look at the relay or provider of this channel, mend it, then put the delivery back."
CONTACT: Final = "Ring them, correct the contact in the directory, then put the delivery back."
REASONS: Final[Mapping[str, str]] = {
    "no_contact": "Put a contact into the directory, then put the delivery back.",
    "provider_timeout": PROVIDER,
    "rate_limited": "The provider takes no more for now. Ask it for a higher limit, then put the delivery back.",
    "rejected": CONTACT,
    "gone": "The address was done away with. Put the new one into the directory.",
    "too_large": "Nothing of this size is taken there. Ring them.",
    "connection_failed": PROVIDER,
    "tls_failed": PROVIDER,
    "provider_unavailable": PROVIDER,
    "misconfigured": "Look at the settings of this channel, correct them, then put the delivery back.",
    "unknown": PROVIDER,
}
"""What to do about a delivery that failed for this reason; for any reason that a certificate is wrong, CERTIFICATE."""
ALARMS: Final[Mapping[str, str]] = {
    "gap": "Ring whoever holds the role, then put a contact into the directory.",
    "no_channel": "Put a contact into the directory that this hub can send to.",
    "nobody_on_duty": "Ring them, then correct the hours or the rota in the directory.",
    "undeliverable": "Ring them, then see what keeps it from going.",
    "unanswered": "Ring them: nobody has answered.",
    "proposal_unanswered": "Ring whoever has not answered what was proposed, and have it answered in the conversation.",
    "contact_failed": "Another way may have got through. Correct the contact in the directory.",
    "contact_unproved": "Ring them, and correct the contact in the directory.",
    "no_certificate": "Get a certificate from them, compare its fingerprint by telephone, put it into the directory.",
    "no_second_channel": "Ring them, then put a second contact into the directory.",
    "code_not_sent": "Look at the provider of this channel, and ring the reader.",
    "endpoint_gone": "Put the new address into the directory.",
    "not_ours": "See who has to choose who is asked next, under Not our child, and correct the directory.",
    "redirected": "See who has to choose who is asked next, under Not our child, and correct the directory.",
    "resolution_late": "Ring them: they have not chosen who is asked next. Under Not our child you can choose as well.",
    "resolution_loop": "Ring them together: each says that it is not theirs. See Not our child.",
    "directory_check": "Somebody says that this desk is not the right one: ask, and correct the directory.",
    "directory_objection": "Ask who proposed the change, and who uses the address that did not agree.",
    "directory_override": "Look at what was changed without a second person.",
    "directory_untold": "Tell those who approve changes, and look at the mail relay.",
    "directory_unreadable": "Import a directory that can be read.",
    "certificate_expiring": "Get the next certificate before this one ends.",
    "signer_unfit": "Replace the certificate that signs; the reason says whose.",
    "quarantine": "Ring the sender: somebody may be missing. See `fingerpost quarantine list`.",
    "since_ahead": "Ring the sender: the absence, and its clocks, begin in time to come. Retract and report anew.",
    "end_passed_over": "Ring the sender: is the child back? What says so is older than the report; nobody was told.",
    "report_awaited": "Ring the sender: events came for an absence nobody has reported. Is its reference mistyped?",
    "unreadable": "A data key is missing: restore the newest backup of the key store. See `fingerpost keys lost`.",
    "receipt_apart": "Somebody may have written: see `fingerpost receipts apart`.",
    "canary_lost": "Notices may not be going out by this channel. Look at its relay or provider.",
    "stalled": "Nothing goes out. Look at the relay or provider.",
    "clock_jumped": "Look at the machine’s clock.",
    "retention_late": "Details that should be gone are not: see `fingerpost retention list`, and the log.",
    "peer_late": "Ring that hub’s operator: it takes no answers, or messages that may say where a child is.",
    "peer_refused": "Tell the sender by telephone what was answered or written; ring that hub’s operator.",
    "peer_keys": "Ring that hub’s operator and have its fingerprint read out. See `fingerpost peers show`.",
    "key_backup_old": "Delete the backups of the key store that are past the deadline.",
}
"""What to do about an alarm; of the others the operators' guide says more."""


def alarm_hint(kind: str) -> str:
    """What to do first; empty where that depends."""
    return ALARMS.get(kind, "")


def reason_hint(reason: str | None) -> str:
    """What to do about a delivery that failed for this reason; empty for none."""
    if reason is None:
        return ""
    known = CERTIFICATE if reason.startswith("certificate_") or reason == "no_certificate" else ""
    return known or REASONS.get(reason, REASONS["unknown"])


def next_words(what: Next) -> str:
    """What happens to it if nobody does anything; an instant follows where there is one."""
    return NEXT[what.does]
