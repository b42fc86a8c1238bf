"""What the pages of the accounts call things."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from contacts.roles import OPERATOR
from hub.core.accounts import ROLES, Role, UserState, Viewer, may, may_grant
from hub.service.accounts.steps import FormProblem

ROLE_WORDS: Final[Mapping[Role, str]] = {
    "operator": "Operator of the hub",
    "directory_admin": "Directory administrator",
    "recipient": "Recipient",
    "auditor": "Auditor",
}
ROLE_HINTS: Final[Mapping[Role, str]] = {
    "operator": "Looks after the hub and every organisation’s directory and users. Sees no notices.",
    "directory_admin": "Keeps the organisation’s desks, contacts and users.",
    "recipient": "Reads and answers the notices to the desks that are chosen for them.",
    "auditor": "Reads the organisation’s users and directory, and changes nothing.",
}
STATE_WORDS: Final[Mapping[UserState, str]] = {
    "invited": "Invited",
    "active": "Active",
    "recovering": "Being recovered",
    "disabled": "Disabled",
}
STATE_TAGS: Final[Mapping[UserState, str]] = {
    "invited": "govuk-tag--blue",
    "active": "govuk-tag--green",
    "recovering": "govuk-tag--yellow",
    "disabled": "govuk-tag--grey",
}
FAILED: Final = FormProblem(
    field="email", message="The e-mail address or the password is wrong, or the account cannot be used now"
)
WRONG_CODE: Final = FormProblem(
    field="code", message="Enter the six digits that the app shows now; each code works once"
)


WRONG_PASSKEY: Final = FormProblem(
    field="passkey", message="That did not work with a passkey: try again, or use your password and code"
)
WRONG_CONFIRMATION: Final = FormProblem(
    field="password", message="The password or the code is wrong; each code works once"
)


def roles_in_words(roles: Collection[Role]) -> str:
    """In the order of the roles, as a list."""
    return ", ".join(ROLE_WORDS[role] for role in ROLES if role in roles)


def role_choices(viewer: Viewer, organisation: str, chosen: Collection[str]) -> list[dict[str, Any]]:
    """Tick boxes for the roles that this viewer may give."""
    offered = [role for role in ROLES if may_grant(viewer, [role], organisation)]
    return [
        {"value": role, "text": ROLE_WORDS[role], "hint": {"text": ROLE_HINTS[role]}, "checked": role in chosen}
        for role in offered
    ]


def errors_by(problems: Sequence[FormProblem], *fields: str) -> dict[str, str]:
    """What stands beside each field; empty where nothing is wrong."""
    return {name: " ".join(one.message for one in problems if one.field == name) for name in fields}


def navigation(viewer: Viewer, here: str, base: str) -> list[dict[str, Any]]:
    """The pages this person may open, for the top of the page; ``here`` is the path of the one they are in."""
    reads = may(viewer, "notices:see", viewer.organisation)
    pages = [
        ("/wall", "The hub now", may(viewer, "hub:see", OPERATOR)),
        ("/notices", "Notices", may(viewer, "notices:see", viewer.organisation)),
        ("/resolving", "Not our child", reads or may(viewer, "hub:see", OPERATOR)),
        ("/register", "Register", may(viewer, "notices:see", viewer.organisation)),
        ("/directory", "Directory", may(viewer, "directory:see", viewer.organisation)),
        ("/users", "Users", may(viewer, "users:see", viewer.organisation)),
        ("/peers", "Other hubs", may(viewer, "hub:see", OPERATOR)),
        ("/audit", "Audit log", may(viewer, "audit:see", viewer.organisation)),
        ("/tokens", "API tokens", may(viewer, "tokens:manage", viewer.organisation)),
        ("/account", "Your account", True),
    ]
    return [
        {"href": base + path, "text": text, "active": here == path or here.startswith(f"{path}/")}
        for path, text, offered in pages
        if offered
    ]
