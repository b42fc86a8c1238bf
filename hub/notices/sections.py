"""The parts of a notice, in the order a reader needs them: the action wanted first, the reasons last."""

from collections.abc import Iterator, Mapping
from typing import Any

from hub.core.conversation import Purpose as Wrote
from hub.core.holds import HELD_BACK
from hub.core.records import MessageStatus, Purpose
from hub.notices import facts, times
from hub.notices.brief import Brief
from hub.notices.clean import Line, line, lines, name
from hub.notices.document import Banner, Block, Bullets, Clause, Document, Facts, Heading, Link, Paragraph
from hub.notices.photo import Photo
from hub.notices.words import Words
from routing.needtoknow import View

STATUS_BANNERS: Mapping[MessageStatus, Line] = {
    "exercise": Line("EXERCISE. This is not a real case. Nothing is to be done outside the exercise."),
    "test": Line("TEST. This is not a real case. Nothing is to be done but to answer."),
}
_OVER = frozenset({"found", "returned", "retraction"})
_DANGER = frozenset({"missing", "away", "concern", "update", "renotification"})
_ACTS = frozenset({"police", "authority", "social_worker"})
_FAMILY = frozenset({"parent", "carer"})

_FOR_FAMILY = Line("This message is for you. Please do not post it or any part of it online: that can do harm.")
_FOR_STAFF = (
    "This notice is for you alone, and shows what your role may know. Keep it and pass it on only as your own duties "
    "allow."
)
_ATTACHED = " The attachment notice.json holds the same for a case system."


def build(
    view: View, brief: Brief, photo: Photo | None, words: Words, known: tuple[Facts, ...] | None = None
) -> Document:
    """The whole notice. ``photo`` is the one of the view, if it may be attached; ``known`` the view's
    :func:`hub.notices.facts.groups`, where the caller has them already."""
    if known is None:
        known = facts.groups(view.fields, brief.issued_at, photo)
    terms = _terms(view, brief, words)
    title = _title(view, brief, words, terms)
    blocks = [
        *_banners(brief, terms),
        Heading(level=1, text=title),
        *_asked_again(brief),
        *_held(brief),
        *_wanted(view, brief, words, terms),
        *_said(brief),
        *_ring(view, brief, words),
        *_duty(brief, words, terms),
        *_changes(view, brief),
        *_known(known),
        *_register(brief, terms),
        *_answer(brief),
        *_why(brief),
        *_about(brief, words),
    ]
    marked = f"{brief.status.upper()} – {title}" if brief.status != "actual" else title
    return Document(subject=line(marked), blocks=tuple(blocks))


def _terms(view: View, brief: Brief, words: Words) -> dict[str, str]:
    """What the wording may mention. The child's name only where the view has it."""
    given = view.fields.get("child.name")
    child = name(given) if isinstance(given, str) else ""
    duty = words.duty(brief.duty) if brief.duty is not None else None
    return {
        "child": child or "the child",
        "Child": child or "The child",
        "sender": name(brief.sender.replace("The ", "the ", 1) if brief.sender.startswith("The ") else brief.sender),
        "due": times.instant(brief.due_at) if brief.due_at is not None else "the time that was set",
        "duty": name(duty.title) if duty else "a duty",
        "task": line(duty.task) if duty else "what the protocol asks.",
    }


def _title(view: View, brief: Brief, words: Words, terms: Mapping[str, str]) -> Line:
    titles = words.kinds[brief.kind].titles
    template = titles.named if "child.name" in view.fields and titles.named else titles.unnamed or titles.all
    return line(template.format_map(terms))


def for_family(brief: Brief) -> bool:
    """Its reader is a parent or carer: nothing meant for staff."""
    return brief.gap_role is None and set(brief.roles) <= _FAMILY


def concerns_police(brief: Brief) -> bool:
    """It goes to the police, or to whoever has to tell the police."""
    roles = (*brief.roles, brief.gap_role or "")
    return any(role == "police" or role.startswith("police_") for role in roles)


def _banners(brief: Brief, terms: Mapping[str, str]) -> Iterator[Block]:
    marked = STATUS_BANNERS.get(brief.status)
    if brief.abduction:
        if marked is not None:
            # The 999 line has to stand on the first line (B-41), and nobody may ring 999 for an exercise.
            yield Banner(text=line(f"{marked} Do not ring 999: in a real case of abduction, 999 would come first."))
        elif brief.kind in _OVER:
            yield Banner(
                text=line(f"999 comes first: abduction was suspected. If {terms['child']} is in danger, ring 999 now.")
            )
        else:
            then = (
                "This notice only follows up the 999 call: if you know of none, treat this as one."
                if brief.gap_role is None
                else "If nobody has rung 999 yet, ring 999 now."
            )
            yield Banner(text=line(f"999 comes first: abduction is suspected. {then}"))
    elif marked is not None:
        yield Banner(text=marked)


_AGAIN: Mapping[Purpose, str] = {
    "chase": "This notice was first sent {at}, and nobody has answered yet. Please answer now.",
    "deputy": "You are asked as the deputy: this notice was sent to the desk {at}, and nobody there has answered.",
    "duty_team": "You are asked as the duty team: this notice was sent to the desk {at}, and nobody there has "
    "answered.",
    "silent": "Your organisation accepted this notice. Nothing has been heard of the episode since: if you know more, "
    "or need help, tell the sender now.",
}


def _asked_again(brief: Brief) -> Iterator[Block]:
    """Why the same notice comes once more, or comes to this desk."""
    if brief.purpose in _AGAIN:
        yield Paragraph(text=line(_AGAIN[brief.purpose].format(at=times.instant(brief.issued_at))))


def _held(brief: Brief) -> Iterator[Block]:
    """What the police ask of everybody, before anything else is asked: it takes back some of that."""
    if not brief.holds:
        return
    yield Heading(level=2, text=Line("The police ask you to hold back"))
    for kind, since in brief.holds:
        yield Paragraph(text=line(f"Since {times.instant(since)}: {HELD_BACK[kind]}"), strong=True)


def handover(brief: Brief) -> Document:
    """To the sender's duty manager: whom to ring, because nobody answers. No fact about the child."""
    whom = name(brief.organisation_name) if brief.organisation_name else Line("the recipient")
    title = line(f"Please ring {whom}: a notice has not been answered")
    marked = STATUS_BANNERS.get(brief.status)
    # By role alone the manager of a child with two parents might ring the one who must not be told.
    roles = brief.roles if brief.gap_role is None else (brief.gap_role,)
    rows: list[tuple[Line, Any]] = [
        (Line("Reference"), (line(brief.reference),)),
        (Line("Kind of notice"), (line(brief.kind.replace("_", " ")),)),
        (Line("Sent"), (Line(times.instant(brief.issued_at)),)),
        (Line("To"), (whom, *(line(role.replace("_", " ")) for role in roles))),
        *([(Line("By name"), (name(brief.person),))] if brief.person else []),
    ]
    blocks: list[Block] = [
        *([Banner(text=marked)] if marked is not None else []),
        Heading(level=1, text=title),
        Paragraph(
            text=Line(
                "The hub has tried every way it knows to reach them, and no named person has answered. It goes on "
                "trying. Ring them now, say that a secure notice waits, and give the reference. The facts are in your "
                "own case system under this reference; say only what their role may know."
            )
        ),
        Facts(caption=Line("The notice"), rows=tuple(rows)),
        Heading(level=2, text=Line("Who to ring")),
        Bullets(items=tuple(line(one) for one in brief.ring) or (Line("No number is on file: see the directory."),)),
    ]
    return Document(subject=line(f"{brief.status.upper()} – {title}") if marked else title, blocks=tuple(blocks))


def _wanted(view: View, brief: Brief, words: Words, terms: Mapping[str, str]) -> Iterator[Block]:
    kind = words.kinds[brief.kind]
    if brief.gap_role is not None:
        yield Paragraph(text=_gap(brief, words), strong=True)
    else:
        for role in brief.roles:
            lead = kind.lead.get(role) or kind.lead.get(words.role(role).family)
            if lead:
                yield Paragraph(text=line(lead.format_map(terms)))
                break
    if brief.kind == "found" and (view.fields.get("found.safe") is False or brief.in_person):
        yield Paragraph(text=_unsafe(brief, words, terms), strong=True)
    theirs = brief.gap_role is not None and "operator" not in brief.roles
    yield Heading(level=2, text=Line("What they are asked to do" if theirs else "What we ask you to do"))
    yield Bullets(items=tuple(line(action.format_map(terms)) for action in _actions(view, brief, words)))
    if brief.remove_now:
        yield Paragraph(
            text=line(f"If {terms['child']} stands in your register of missing children, remove the entry now."),
            strong=True,
        )
    yield from _not_by_message(view, brief, terms)


def _unsafe(brief: Brief, words: Words, terms: Mapping[str, str]) -> Line:
    """Readings.md C6, D2."""
    acts = any(words.role(role).family in _ACTS for role in brief.roles)
    then = " Police and children's services: agree at once how to bring them to safety." if acts else ""
    return line(f"{terms['Child']} has been found, but is NOT safe.{then}")


def _gap(brief: Brief, words: Words) -> Line:
    who = words.role(brief.gap_role or "").name
    if brief.person:
        who = f"{who} ({name(brief.person)})"
    if brief.organisation_name:
        who = f"{who} of {name(brief.organisation_name)}"
    return line(f"No contact is known for {who}. Please make sure they are told.")


def _actions(view: View, brief: Brief, words: Words) -> tuple[str, ...]:
    kind = words.kinds[brief.kind]
    roles = (brief.gap_role,) if brief.gap_role is not None and "operator" not in brief.roles else brief.roles
    if brief.kind == "threshold":
        by_rule = tuple(dict.fromkeys(a for rule in brief.rules for a in kind.rules.get(rule.rule, ())))
        if by_rule and "operator" not in roles:
            return by_rule
    if brief.duty is not None:
        duty = words.duty(brief.duty)
        if brief.kind == "message" and duty.told:
            told = words.pick(duty.told, roles)
            if told:
                return told
        if set(roles) & set(duty.owners) and "owner" in kind.actions:
            return kind.actions["owner"]
    if kind.back and any(path.startswith("returned.") for path in view.fields):
        return words.pick(kind.back, roles)
    return words.pick(kind.actions, roles)


def _not_by_message(view: View, brief: Brief, terms: Mapping[str, str]) -> Iterator[Block]:
    if brief.withheld_parent:
        yield Heading(level=2, text=Line("Do not tell"))
        where = " “People” below says who." if "people" in view.fields else ""
        yield Paragraph(
            text=line(
                "A parent has NOT been told, and must not be told. Do not contact them, and see that they do not "
                f"hear of it from anybody else.{where}"
            ),
            strong=True,
        )
    if brief.in_person:
        yield Heading(level=2, text=Line("Tell in person"))
        yield Paragraph(
            text=line(
                f"These people have been sent nothing about this: no message may be how they learn it. They wait for "
                f"news of {terms['child']}. Tell them in person, and before anybody else can."
            )
        )
        yield Bullets(items=tuple(name(person) for person in brief.in_person))


def _ring(view: View, brief: Brief, words: Words) -> Iterator[Block]:
    if brief.kind == "verification" or "operator" in brief.roles:
        return
    entries = [line(entry) for entry in brief.ring]
    incident = view.fields.get("episode.police.incident_number")
    if not concerns_police(brief) and brief.kind in _DANGER and brief.status == "actual":
        entries.insert(0, Line("The police: 999 in immediate danger, otherwise 101"))
    if not brief.ring:
        entries.append(line(f"{name(brief.sender)}, children's services, on the number you normally use"))
    if isinstance(incident, str):
        entries.append(line(f"Quote to the police: {line(incident)}"))
    entries.append(line(f"Quote to us: {brief.reference}"))
    yield Heading(level=2, text=Line("Who to ring"))
    yield Bullets(items=tuple(entries))


def _duty(brief: Brief, words: Words, terms: Mapping[str, str]) -> Iterator[Block]:
    if brief.duty is None:
        return
    duty = words.duty(brief.duty)
    yield Heading(level=2, text=Line("The duty"))
    own = set(brief.roles) & set(duty.owners) if brief.gap_role is None else set()
    rows: list[tuple[Line, tuple[Line, ...]]] = [
        (Line("Duty"), (line(duty.title),)),
        (Line("Task"), (line(duty.task[:1].upper() + duty.task[1:]),)),
    ]
    if brief.due_at is not None:
        rows.append((Line("Due"), (line(terms["due"]),)))
    if duty.owners:
        owners = " or ".join(words.role(owner).name for owner in duty.owners)
        rows.append((Line("Whose"), (Line("Yours") if own else line(owners),)))
    if own or (brief.kind != "message" and not for_family(brief)):
        rows.append((Line("Report it done"), tuple(_report(brief, duty.report, duty.outcomes))))
    yield Facts(caption=Line("What is due"), rows=tuple(rows))


def _report(brief: Brief, report: str | None, outcomes: tuple[str, ...]) -> Iterator[Line]:
    if report:
        yield line(report)
    elif outcomes:
        yield line(
            f"Record it in your case system, which sends the event duty.completed with the duty “{brief.duty}” and "
            f"the outcome: {', '.join(outcomes)}."
        )
    yield line(f"Without such a system, tell {name(brief.sender)}, quoting {brief.reference}.")
    yield Line("Answering this notice does not report the duty done.")


_PURPOSES: Mapping[Wrote, Line] = {
    "information": Line("For your information"),
    "question": Line("A question: please reply"),
    "sighting": Line("A sighting of the child"),
    "agreement": Line("A proposal: please agree or decline"),
    "handover": Line("A handover"),
    "police_hold": Line("A hold that the police ask for"),
    "not_ours": Line("They say that this child is not for them: somebody has to choose who is asked next"),
}


def _said(brief: Brief) -> Iterator[Block]:
    """What somebody wrote. In a table, as the values of facts are: no line of it can pass for one of the notice."""
    said = brief.said
    if said is None:
        return
    rows: list[tuple[Line, tuple[Line, ...]]] = [
        (Line("From"), (line(f"{name(said.author)}, {name(said.organisation)}"),)),
        (Line("Written"), (Line(times.instant(said.sent_at)),)),
        (Line("What it is"), (_PURPOSES[said.purpose],)),
    ]
    if said.whereabouts:
        rows.append((Line("Whereabouts"), (Line("It touches where the child is or was: the police are told of it."),)))
    rows.append((Line("Message"), lines(said.text)))
    if said.count:
        where = "attached" if said.pictures else "in the secure mail, and in the conversation at the hub"
        rows.append((Line("Pictures"), (Line(f"{said.count}, {where}"),)))
    yield Heading(level=2, text=Line("The message"))
    yield Facts(caption=Line("Message"), rows=tuple(rows))
    if said.url and not brief.on_page:
        yield Paragraph(text=Line("To reply, and to read what else was written for you, sign in at the hub."))
        yield Link(text=Line("The conversation"), url=line(said.url))


def _changes(view: View, brief: Brief) -> Iterator[Block]:
    table = facts.changes(brief.changed, brief.previous, view.fields, brief.issued_at)
    if table is not None:
        yield Heading(level=2, text=Line("What has changed since you were last told"))
        yield table


def _known(known: tuple[Facts, ...]) -> Iterator[Block]:
    if known:
        yield Heading(level=2, text=Line("What is known"))
        yield from known


def _register(brief: Brief, terms: Mapping[str, str]) -> Iterator[Block]:
    if brief.remove_at is None:
        return
    yield Heading(level=2, text=Line("Your register of missing children"))
    yield Paragraph(
        text=line(
            f"Enter {terms['child']}. Remove the entry on {times.instant(brief.remove_at)}, unless you are notified "
            "again before then. You will be told at once when they are found."
        )
    )


def _answer(brief: Brief) -> Iterator[Block]:
    if not brief.acknowledge_url:
        return
    yield Heading(level=2, text=Line("Please answer"))
    if for_family(brief):
        yield Paragraph(text=Line("Please let us know that you have read this: open the link and give your name."))
    else:
        yield Paragraph(
            text=Line(
                "Open the link, give your name, and say that your organisation is acting on this, that it is not for "
                "you, or to whom you passed it on. Until a person has answered, we go on trying to reach you."
            )
        )
    yield Link(text=Line("Answer here"), url=line(brief.acknowledge_url))


def _why(brief: Brief) -> Iterator[Block]:
    if not (brief.why or brief.rules):
        return
    yield Heading(level=2, text=Line("Why you are told"))
    if brief.why:
        yield Paragraph(text=line(brief.why))
    for rule in brief.rules:
        version = f" {rule.version}" if rule.version else ""
        where = f"Protocol “{rule.pack}”{version}, rule {rule.rule}: {rule.source}"
        yield Clause(where=line(where), quote=line(rule.quote))


def _about(brief: Brief, words: Words) -> Iterator[Block]:
    rows: list[tuple[Line, Any]] = [
        (Line("Reference"), (line(brief.reference),)),
        (Line("From"), (name(brief.sender),)),
        (Line("Issued"), (Line(times.instant(brief.issued_at)),)),
        (Line("Priority"), (Line(brief.priority),)),
        (Line("Status"), (Line(brief.status),)),
    ]
    addressee = [name(part) for part in (brief.person, brief.organisation_name) if part]
    if brief.gap_role is None and addressee:
        rows.append((Line("To"), tuple(addressee)))
    roles = brief.roles if brief.gap_role is None else (brief.gap_role,)
    label = Line("In the role of") if brief.gap_role is None else Line("Meant for")
    rows.append((label, tuple(line(words.role(role).name) for role in roles)))
    yield Heading(level=2, text=Line("About this notice"))
    yield Facts(caption=Line("Details"), rows=tuple(rows))
    staff = Line(_FOR_STAFF if brief.on_page else _FOR_STAFF + _ATTACHED)
    yield Paragraph(text=_FOR_FAMILY if for_family(brief) else staff)
