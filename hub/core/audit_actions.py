"""Every action of the audit log: what a line of it says, and what stands in its detail.

One list: a test goes through the code and finds that each line that is written is here, and each that is here is
written; docs/reference/audit.md is made of it. Details are codes, ids and digests; no name, no address, no free text.
"""

from collections.abc import Mapping
from typing import Final

_RAISED: Final = ("reason",)

ACTIONS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    # what comes in
    "event.accepted": ("An event was taken and has had its effect.", ("type",)),
    "event.applied": ("An event that was kept has had its effect now.", ("type",)),
    "event.kept": ("An event was taken and waits for those before it.", ("type",)),
    "event.quarantined": ("An event could not be taken and is kept for a human.", ("reason",)),
    # what is decided, and what becomes of it
    "decision.*": (
        "Whether somebody is told was decided; the last part is the outcome.",
        ("kind", "roles", "rules"),
    ),
    "notice.created": ("A notice was made.", ("reference",)),
    "notice.gap": ("Somebody must be told, and nobody is known to tell.", ("reason", "role")),
    "notice.chased": ("Nobody answered, and the next step was taken.", ("channels", "desk", "step", "why")),
    "notice.undeliverable": ("No way of carrying a notice is left.", ()),
    "notice.acknowledged": ("A named human answered.", ("answer",)),
    "notice.*": ("A notice came into another state; the last part is the state.", ("why",)),
    "attempt.finished": (
        "One try to carry a notice came to an end; `digest` is of what was sent.",
        ("attempt", "carried", "certificate", "channel", "digest", "reason", "state"),
    ),
    "receipt.stored": ("Something came back about what was sent.", ("channel", "code", "kind")),
    "delivery.redriven": ("Override: a way that failed was put back.", ("attempts", "reason", "was", "why")),
    "delivery.cancelled": ("Override: a way was called off.", ("attempts", "reason", "was", "why")),
    "endpoint.opened": ("Override: an address that was closed is used again.", ()),
    "contact.asked": ("A contact was asked to prove that it works.", ("channel", "result")),
    "contact.proved": ("It did.", ("by",)),
    "contact.failed": ("It did not.", ("reason",)),
    "contact.ask_again": ("Somebody had it asked again.", ("channel",)),
    # who read what
    "desk.listed": ("Notices to a desk were listed, with names.", ("notices",)),
    "desk.searched": ("They were searched.", ("notices",)),
    "desk.viewed": ("A notice was read at a desk; `shown` is of what was shown.", ("shown",)),
    "desk.over_seen": ("A notice that is over was looked at, without what it said.", ()),
    "pickup.code_asked": ("A code for a pick-up link was asked for and sent.", ("channel",)),
    "pickup.code_not_sent": ("It could not be sent.", ("channel",)),
    "pickup.code_wrong": ("A wrong code was given.", ("channel",)),
    "pickup.opened": ("The right one was.", ("channel",)),
    "pickup.viewed": ("A notice was read by a pick-up link; `shown` is of what was shown.", ("shown",)),
    "register.read": ("A register was read, with names.", ("entries",)),
    "episode.read": ("An episode was read with names, on the command line.", ()),
    "episode.viewed": ("An episode was looked at, without names.", ("route",)),
    "episodes.listed": ("Episodes were listed, without names.", ("route",)),
    "delivery.viewed": ("A delivery was looked at, without content.", ("route",)),
    "outbox.listed": ("Deliveries were listed, without content.", ("route",)),
    "wall.viewed": ("The state of the hub was looked at.", ("route",)),
    "coverage.viewed": ("Who can be reached was looked at.", ("route",)),
    "directory.viewed": ("The directory was looked at.", ("route",)),
    "directory.exported": ("It, or a part of it, was taken out as a file.", ("route",)),
    "users.viewed": ("Users were looked at.", ("route",)),
    "peers.viewed": ("Which other hubs are known was looked at.", ("route",)),
    "tokens.viewed": ("API tokens were looked at, without their secrets.", ("route",)),
    "holds.listed": ("Legal holds were listed, with their reasons.", ("route",)),
    "children.listed": ("Children were listed by their ids.", ("route",)),
    "audit.read": ("The audit log was read.", ("actor", "episode", "organisation", "since")),
    "child.searched": ("Episodes of a child were searched for.", ("by", "episodes")),
    "quarantine.read": ("A body in quarantine was read.", ()),
    "receipt.read": ("What came back and is kept apart was read.", ()),
    "evidence.made": ("A bundle of evidence was made.", ("reference", "why")),
    "subject_access.made": ("Everything held about a child was taken out.", ("reference", "why")),
    "conversations.listed": (
        "Conversations on an episode, or who may take part in one, were listed, without what was written.",
        ("route",),
    ),
    "message.read": (
        "Messages of a conversation, or a picture of one, were read; `newest` is the last of them.",
        ("messages", "newest"),
    ),
    "resolution.viewed": (
        "What was said of whose a child is was read: with names and words by the desk that has to choose.",
        ("route",),
    ),
    "resolutions.listed": ("Children that somebody said are not theirs were listed, without names.", ("route",)),
    # what organisations write to each other
    "thread.opened": ("A conversation on an episode was opened.", ()),
    "message.sent": (
        "A named human wrote a message in one.",
        ("purpose", "readers", "thread", "via", "whereabouts"),
    ),
    "agreement.proposed": ("A named human proposed something to other organisations.", ("asked", "kind", "message")),
    "agreement.lapsed": ("Nobody answered a proposal in time, and who is of it was told.", ("kind", "message")),
    "agreement.sent": (
        "A named human proposed or answered something that another hub keeps: it counts once that one has taken it.",
        ("kind", "message", "step"),
    ),
    "agreement.refused": (
        "What a named human at another hub proposed or answered is not counted, and everybody of it was told.",
        ("why",),
    ),
    "agreement.*": (
        "A named human answered a proposal, or withdrew it; `duties` are those whose deed it was.",
        ("duties", "kind", "message"),
    ),
    "agreements.listed": ("What is proposed and agreed on an episode was listed.", ("route",)),
    "resolution.moved": (
        "Something happened about a child that somebody said is not theirs; `step` says what.",
        ("resolution", "step"),
    ),
    "police_hold.set": ("The police asked everybody who was told to hold back.", ("kind", "told", "via")),
    "police_hold.lifted": ("A force asks it no longer.", ("kind", "told", "via")),
    "police_holds.viewed": ("What the police ask, and why, was looked at.", ("route",)),
    # the directory
    "directory.proposed": ("A change waits for a second person.", ("entries", "proposed_by", "version")),
    "directory.changed": ("A change that needs nobody else came into force.", ("entries", "proposed_by", "version")),
    "directory.approved": ("A second person agreed.", ("entries", "proposed_by", "version")),
    "directory.address_confirmed": ("One of two addresses agreed.", ("which",)),
    "directory.confirmed": ("Both addresses agreed.", ("entries", "proposed_by", "version")),
    "directory.overridden": ("Override: no second person was needed.", ("entries", "proposed_by", "version")),
    "directory.imported": ("A file came into force.", ("entries", "proposed_by", "version")),
    "directory.expired": ("Nobody decided in time.", ("entries", "proposed_by")),
    "directory.*": ("A change was rejected or withdrawn.", ("entries", "proposed_by", "version")),
    # accounts, and signing in and out
    "user.signed_in": ("Somebody signed in.", ("by", "passkey")),
    "user.sign_in_failed": ("A password, code or other proof was wrong.", ("step",)),
    "user.locked": ("Too many were.", ()),
    "user.signed_out": ("Somebody signed out.", ()),
    "user.session_ended": ("They ended another session of theirs.", ()),
    "user.signed_out_everywhere": ("They ended all of them.", ()),
    "user.confirmed": ("They showed again who they are.", ("by",)),
    "user.invited": ("Somebody was invited.", ("roles",)),
    "user.invite_refused": ("Somebody was not, as the address has an account.", ()),
    "user.accepted": ("An invitation was accepted.", ()),
    "user.bound": ("An account was bound to an identity at a council's provider.", ("before",)),
    "user.roles_changed": ("Roles were changed.", ("after", "before")),
    "user.desks_given": ("It was chosen for which desks somebody reads.", ("after", "before")),
    "user.disabled": ("An account was disabled.", ()),
    "user.recovery_started": ("A recovery was started.", ()),
    "user.recovered": ("It came to its end.", ()),
    "user.password_changed": ("A password was changed.", ()),
    "user.passkey_added": ("A passkey was added.", ("passkey",)),
    "user.passkey_refused": ("One was refused.", ("reason",)),
    "user.passkey_renamed": ("One was renamed.", ("passkey",)),
    "user.passkey_removed": ("One was removed.", ("passkey",)),
    "provider.entered": ("An identity provider was entered or changed.", ("issuer", "second_factor")),
    "provider.removed": ("One was removed.", ()),
    # programs: API tokens and case systems
    "token.added": ("An API token was made.", ("certificate", "desks", "ends", "name", "scopes")),
    "token.imported": ("One came from the file of an older version.", ("ends", "name", "scopes")),
    "token.rotated": ("One has a new secret.", ("ends", "overlap")),
    "token.revoked": ("One was revoked.", ()),
    "token.expired": ("One has come to its end.", ("secret",)),
    "token.refused": ("One was not let in, so many times.", ("reason", "times")),
    "source.added": ("A case system was registered.", ("authorities", "force", "key")),
    "source.rotated": ("One has a new key.", ("key", "until")),
    "source.bound": ("One is bound to a client certificate, or to none.", ("certificate",)),
    "source.disabled": ("One is taken no more events from.", ()),
    # other hubs
    "peer.introduced": ("Another hub was introduced.", ()),
    "peer.confirmed": (
        "A second person confirmed it by its fingerprint; `authorities`: for whom it may send notices.",
        ("authorities",),
    ),
    "peer.mismatch": ("The fingerprint that was typed was not its own.", ()),
    "peer.refreshed": ("What it says of itself was fetched anew; its keys are the same.", ()),
    "peer.keys_changed": ("It has other keys; if it is confirmed, one that was known signed them.", ()),
    "peer.doubted": ("It has other keys that nothing known signed: it is confirmed no more.", ()),
    "peer.suspended": ("Nothing more is taken from it.", ()),
    "peer.removed": ("It was forgotten.", ()),
    "peer.answered": (
        "An answer to its notice, or a message of its conversation, was carried to it, or never will be.",
        ("came_to", "hub"),
    ),
    # children whose time is up
    "child.time_up": ("The time of what is held about a child is up.", ()),
    "child.kept": ("It is not after all.", ()),
    "child.erasing": ("Erasure began.", ("episodes", "reason")),
    "child.key_destroyed": ("The child's data key was destroyed.", ("reason",)),
    "child.erased": ("It is done.", ("episodes", "reason")),
    "hold.added": ("A child's data is held beyond its time.", ("child", "code")),
    "hold.lifted": ("It is not any more.", ("child", "code")),
    # the hub itself
    "hub.started": ("A process started, with these packs and risky settings.", ("packs", "risks", "version")),
    "keys.rotated": ("A key-encryption key takes over.", ("kek",)),
    "keys.retired": ("One was retired.", ("kek",)),
    "keys.given_up": ("Data keys that are lost are given up; the children are erased.", ("children",)),
    "alarm.*": ("An alarm was raised; the last part is its kind.", ("delivery", "kind", "reason")),
    "alarm.cleared": ("An alarm was cleared.", ("delivery", "kind", "reason")),
}
"""By name: what it says, and the keys of its detail. ``*`` stands for one of several codes. Besides these, a line may
state records by digest, under keys with a colon (hub/core/evidence.py)."""


def entry(action: str) -> tuple[str, tuple[str, ...]] | None:
    """What is listed of it, by its name or by its family."""
    return ACTIONS.get(action) or ACTIONS.get(f"{action.split('.', 1)[0]}.*")


def says(action: str) -> str:
    """What a line of this action says; the action itself, if it is in no list (of a newer version)."""
    found = entry(action)
    return action if found is None else found[0]


def page() -> str:
    """docs/reference/audit.md."""
    rows = (
        f"| `{name}` | {says} | {' '.join(f'`{key}`' for key in detail)} |\n"
        for name, (says, detail) in ACTIONS.items()
    )
    return HEAD + "".join(rows)


HEAD: Final = """# Lines of the audit log

Made from `hub/core/audit_actions.py` by `scripts/audit_reference.py`; do not edit. How the log is kept and checked is
in [The audit log](../security/audit.md).

Each line has an id, an instant, an actor (`source:ID`, `user:ID`, `token:NAME`, `recipient:DELIVERY`, `address`,
`operator` for the command line, `hub`), an action, and, where there is one, the organisation and the episode it is
about and the id of what it is about. The detail holds codes, ids and digests. Keys with a colon in them state whole
records by their digest, for evidence.

| action | what it says | detail |
|---|---|---|
"""
