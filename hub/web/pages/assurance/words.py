"""What the pages of assurance call things, and what they tell people to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from contacts.assurance import Coverage, State
from contacts.directory import Directory
from contacts.roles import EMERGENCY_DUTY_TEAM, desk_of
from hub.core.naming import role_label
from hub.core.verification import State as Proof
from hub.web.pages.directory.words import desk_words

STATE_WORDS: Final[Mapping[State, str]] = {
    "on_duty": "Yes",
    "off_duty": "Off duty",
    "no_organisation": "Not in the directory",
    "no_desk": "No desk",
    "no_contact": "No contact",
}
STATE_TAGS: Final[Mapping[State, str]] = {
    "on_duty": "govuk-tag--green",
    "off_duty": "govuk-tag--yellow",
    "no_organisation": "govuk-tag--red",
    "no_desk": "govuk-tag--red",
    "no_contact": "govuk-tag--red",
}
PROOF_WORDS: Final[Mapping[Proof, str]] = {
    "waiting": "Not asked yet",
    "asking": "Being asked",
    "asked": "Asked, no answer yet",
    "proved": "Proved",
    "failed": "Failed",
}
PROOF_TAGS: Final[Mapping[Proof, str]] = {
    "waiting": "govuk-tag--grey",
    "asking": "govuk-tag--blue",
    "asked": "govuk-tag--blue",
    "proved": "govuk-tag--green",
    "failed": "govuk-tag--red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to do about a role. ``path``: of the page to do it on, below the site's; None where there is none."""

    words: str
    path: str | None = None


def role_words(role: str) -> str:
    """``youth_offending_service`` -> ``Youth offending service``; ``iro`` -> ``IRO``."""
    label = role_label(role)
    return label[:1].upper() + label[1:]


def tasks(one: Coverage, directory: Directory) -> tuple[Task, ...]:
    """What would have the role reached at all times, and on two channels; empty where it is."""
    return tuple(_tasks(one, directory))


def _tasks(one: Coverage, directory: Directory) -> Iterator[Task]:
    of, desk = f"/directory/of/{quote(one.organisation, safe='')}", desk_words(desk_of(one.role))
    states = (one.now, one.by_day, one.by_night)
    if "no_organisation" in states:
        yield Task(words="The operator adds the organisation, by an import")
    elif "no_desk" in states:
        yield Task(words=f"Add the desk “{desk}”", path=f"{of}/desks/new")
    elif "no_contact" in states:
        yield Task(words=f"Add a contact to “{desk}”", path=f"{of}/contacts/new")
    elif one.by_day == "off_duty":
        yield Task(words=f"Add a contact to “{desk}” who is on duty by day", path=f"{of}/contacts/new")
    elif "off_duty" in states:
        team = desk_words(EMERGENCY_DUTY_TEAM)
        if directory.desk(one.organisation, EMERGENCY_DUTY_TEAM) is None:
            yield Task(words=f"Add the desk “{team}”, which answers out of hours", path=f"{of}/desks/new")
        else:
            yield Task(words=f"Add a contact to “{team}” who is on duty then", path=f"{of}/contacts/new")
    elif not one.second_channel:
        yield Task(words="Add a second channel, such as a number for text messages", path=f"{of}/contacts/new")
