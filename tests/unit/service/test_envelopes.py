"""What leaves for whom: the facts of the notice's own revision, as its reader may see them, and nothing else."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.port import Alert, Content, Envelope
from adapters.sms.text import gsm
from contacts.directory import Directory
from contacts.model import Certificate, Contact
from contacts.roles import OPERATOR
from hub.core.records import ClaimedDelivery, DeliveryRecord, NoticeRecord
from hub.core.tokens import WeakSecret, ack_token, receipt_token, reply_code
from hub.service.envelopes import Composer, seen
from hub.service.sending import NoContact
from routing.decision import Decision, Recipient, Rule
from routing.needtoknow import COLUMNS, view
from tests.kit.directory import BROMLEY, MET, contact, small_bundle
from tests.kit.events import merged, reported

NOW = datetime(2026, 3, 1, 19, 45, tzinfo=UTC)
SECRET = b"a" * 32
RULE = Rule(pack="national", rule="B-13", source="Guidance, 2.3", quote="must be told", version="1")
NAME = "Robin Example"
DOC: dict[str, Any] = reported()["data"]


def claimed(
    *roles: str,
    doc: dict[str, Any] = DOC,
    previous: dict[str, Any] | None = None,
    notice: dict[str, Any] | None = None,
    **decided: Any,
) -> ClaimedDelivery:
    """A delivery to these roles, decided as routing would."""
    roles = roles or ("police",)
    kind = decided.get("kind", "missing")
    values: dict[str, Any] = {
        "at": NOW,
        "cause": "event:E1",
        "outcome": "notify",
        "kind": "missing",
        "priority": "high",
        "recipients": tuple(Recipient(role=role, organisation=MET) for role in roles),
        "fields": tuple(view(doc, roles, kind).fields),
        "rules": (RULE,),
        "why": "the police are told of every missing child",
    }
    decision = Decision(**values | decided)
    about: dict[str, Any] = {
        "id": "no_1",
        "reference": "FP-2345-6789",
        "decision": "dc_1",
        "episode": "ep_1",
        "revision": 1,
        "kind": decision.kind,
        "priority": decision.priority,
        "roles": roles,
        "organisation": MET,
        "state": "pending",
        "created_at": NOW,
        "state_at": NOW,
    }
    delivery = DeliveryRecord(
        id="dl_1",
        notice="no_1",
        episode="ep_1",
        channel="email",
        contact=None,
        address="missing-persons-unit@police.example",
        priority=decision.priority,
        group="g",
        rank=0,
        state="leased",
        due_at=NOW,
        token_digest=b"d" * 32,
        created_at=NOW,
    )
    record = NoticeRecord(**about | (notice or {}))
    return ClaimedDelivery(
        delivery=delivery, attempt=1, notice=record, decision=decision, child="ch_1", doc=doc, previous=previous
    )


def composer(directory: Directory | None = None) -> Composer:
    held = directory or Directory.of(small_bundle())
    return Composer(
        directory=lambda: held, ack_secret=SECRET, public_url="https://hub.example/", collect="Ring 01632 960000."
    )


def content(envelope: Envelope) -> Content:
    assert isinstance(envelope.body, Content)
    return envelope.body


def notice_json(envelope: Envelope) -> dict[str, Any]:
    attached = {one.name: one.data for one in content(envelope).attachments}
    return json.loads(attached["notice.json"])


def everything(envelope: Envelope) -> str:
    body = content(envelope)
    return "\n".join((body.subject, body.text, body.html, *(one.data.decode("latin-1") for one in body.attachments)))


def test_the_notice_shows_exactly_the_fields_of_the_decision():
    fields = ("child.name", "episode.since", "episode.category")
    envelope = composer().content(claimed(fields=fields))
    assert set(notice_json(envelope)["fields"]) == set(fields)


def test_a_field_in_the_decision_that_the_reader_may_not_see_is_not_shown():
    envelope = composer().content(claimed("school", fields=("child.name", "placement.address", "people")))
    assert set(notice_json(envelope)["fields"]) == {"child.name"}
    assert DOC["placement"]["address"] not in everything(envelope)


def test_the_envelope_bears_only_reference_and_id_in_clear():
    envelope = composer().content(claimed())
    assert (envelope.delivery, envelope.reference, envelope.priority) == ("dl_1", "FP-2345-6789", "high")
    assert envelope.headers == {}
    for value in (NAME, "dl_1@", "police.example"):
        assert value not in repr(envelope)


def test_the_link_bears_the_token_of_this_delivery():
    link = f"https://hub.example/a/{ack_token(SECRET, 'dl_1')}"
    assert link in content(composer().content(claimed())).text


def test_every_try_is_the_same_delivery_with_the_same_link():
    first, second = composer().content(claimed()), composer().content(replace(claimed(), attempt=7))
    assert first == second


@pytest.mark.parametrize("status", ["exercise", "test"])
def test_an_exercise_is_marked_outside_and_inside(status):
    envelope = composer().content(claimed(notice={"status": status}))
    assert envelope.headers == {"X-Fingerpost-Status": status}
    assert status in content(envelope).text.lower()
    assert composer().alert(claimed(notice={"status": status})).headers == {"X-Fingerpost-Status": status}


def test_certificates_are_those_on_file_at_the_moment_of_the_try():
    address = claimed().delivery.address
    certificates = (
        Certificate(address=address, der=b"one", fingerprint="01" * 32),
        Certificate(address=address.upper(), der=b"two", fingerprint="02" * 32, pinned=True),
        Certificate(address="other@police.example", der=b"three", fingerprint="03" * 32),
    )
    snapshots = [Directory.of(small_bundle())]
    made = Composer(
        directory=lambda: snapshots[-1], ack_secret=SECRET, public_url="https://hub.example", collect="Ring."
    )
    assert made.content(claimed()).certificates == ()
    snapshots.append(Directory.of(replace(small_bundle(), certificates=certificates)))
    envelope = made.content(claimed())
    assert envelope.certificates == (b"one", b"two")
    assert envelope.pinned == {"02" * 32}


def test_the_alert_says_nothing_and_has_an_id_of_its_own():
    envelope = composer().alert(claimed())
    assert envelope.delivery == "dl_1.alert"
    assert isinstance(envelope.body, Alert)
    said = envelope.body.subject + envelope.body.text
    assert "FP-2345-6789" in said and "Ring 01632 960000." in said
    for value in (NAME, "Robin", "2011", "missing", "police", "Bromley", ack_token(SECRET, "dl_1")):
        assert value not in said
    assert envelope.certificates == ()


def text_message(
    *, url: str = "https://hub.example", replies: bool = True, phone: str | None = None, **changes: Any
) -> str:
    """What is sent to a mobile beside the notice. ``phone``: the number of the hub's operator."""
    one = claimed()
    beside = replace(one.delivery, channel="sms", address="+447700900123", carries="alert", **changes)
    bundle = small_bundle()
    organisations = tuple(replace(one, phone=phone) if one.code == OPERATOR else one for one in bundle.organisations)
    held = Directory.of(replace(bundle, organisations=organisations))
    made = Composer(directory=lambda: held, ack_secret=SECRET, public_url=url, collect="Ring.", replies=replies)
    envelope = made.alert(replace(one, delivery=beside))
    assert (envelope.delivery, envelope.receipt_token) == ("dl_1", receipt_token(SECRET, "dl_1"))
    assert isinstance(envelope.body, Alert)
    gsm(envelope.body.text)
    return envelope.body.text


def test_a_text_message_bears_the_link_and_the_code_of_its_delivery():
    link, code = f"https://hub.example/a/{ack_token(SECRET, 'dl_1')}", reply_code(SECRET, "dl_1")
    waiting = "Secure notice FP-2345-6789 is waiting, perhaps urgent."
    assert text_message() == f"{waiting} {link} Read it? Reply 1 {code}"
    assert text_message(replies=False) == f"{waiting} {link}"
    assert text_message(url="http://hub.example") == f"{waiting} Read it? Reply 1 {code}"
    # Whoever is asked to ring for somebody else must not answer for them.
    assert text_message(purpose="handover") == waiting


def test_the_duty_manager_has_a_number_to_ring_and_so_has_who_can_be_sent_no_link():
    """Who is reached by nothing but this phone could do nothing with a reference alone. It is the operator's number:
    that of the desk to be rung would say where."""
    waiting = "Secure notice FP-2345-6789 is waiting, perhaps urgent."
    number = "+441632960000"
    assert f"Ring {number}." in text_message(phone=number, purpose="handover")
    without = text_message(phone=number, url="http://hub.example")
    assert without == f"{waiting} Ring {number}. Read it? Reply 1 {reply_code(SECRET, 'dl_1')}"
    longest = f"https://{'x' * 63}.example"
    assert text_message(phone=number, url=longest, purpose="handover") == f"{waiting} Ring {number}."
    assert number not in text_message(phone=number), "its reader has the notice by another way, and a link"
    assert f"Ring {number}." in text_message(phone=number, url=longest), "there is no room for that"


def test_a_text_message_stays_one_part_whatever_the_address_of_the_hub():
    waiting = "Secure notice FP-2345-6789 is waiting, perhaps urgent."
    link = f"/a/{ack_token(SECRET, 'dl_1')}"
    long, longest = f"https://{'x' * 40}.example", f"https://{'x' * 63}.example"
    assert text_message(url=long) == f"{waiting} {long}{link}"
    assert text_message(url=longest) == f"{waiting} Read it? Reply 1 {reply_code(SECRET, 'dl_1')}"
    assert text_message(url=longest, replies=False) == waiting


def test_the_operators_notice_of_a_gap_is_content_free():
    gap = claimed(
        "parent",
        outcome="gap",
        gap="no_address",
        recipients=(Recipient(role="parent", person="Sam Example"),),
        in_person=("Sam Example",),
        fields=tuple(view(DOC, ["police"]).fields),
        notice={"organisation": OPERATOR, "gap_role": "parent", "person": "Sam Example"},
    )
    envelope = composer().content(gap)
    assert notice_json(envelope)["fields"] == {}
    for value in (NAME, "Sam Example", DOC["child"]["date_of_birth"], DOC["placement"]["address"]):
        assert value not in everything(envelope)
    assert seen(gap).roles == (OPERATOR,)


def test_a_fallback_desk_sees_what_both_it_and_the_role_may_see():
    gap = claimed(
        "school",
        outcome="gap",
        gap="no_contact",
        recipients=(Recipient(role="school", organisation="school:100000"),),
        fields=tuple(view(DOC, ["police"]).fields),
        notice={"organisation": BROMLEY, "gap_role": "school"},
    )
    shown = set(notice_json(composer().content(gap))["fields"])
    assert "child.name" in shown
    assert shown <= set(view(DOC, ["school"]).fields) & set(view(DOC, ["responsible_authority"]).fields)


def test_the_notice_of_a_gap_names_the_organisation_without_a_contact():
    gap = claimed(
        outcome="gap",
        gap="no_contact",
        notice={"organisation": BROMLEY, "gap_role": "police"},
    )
    assert "Example Police" in content(composer().content(gap)).text


def test_an_update_shows_before_and_now_of_what_is_news():
    after = merged(DOC, {"episode": {"clothing": "a green hat"}})
    before = merged(DOC, {"episode": {"clothing": "a red coat", "circumstances": "before only"}})
    envelope = composer().content(claimed(doc=after, previous=before, kind="update", changed=("episode.clothing",)))
    text = content(envelope).text
    assert "a green hat" in text and "a red coat" in text
    assert "before only" not in everything(envelope)


def test_a_before_that_the_reader_may_no_longer_see_is_not_shown():
    """Trafficking is suspected now: a place that stood in the earlier facts must not come out as "before"."""
    before = merged(DOC, {"episode": {"last_seen": {"place": "Marker Street 17"}}})
    after = merged(DOC, {"episode": {"last_seen": {"place": "Elsewhere 3"}, "trafficking_suspected": True}})
    envelope = composer().content(
        claimed("iro", doc=after, previous=before, kind="update", changed=("episode.last_seen.place",))
    )
    for value in ("Marker Street 17", "Elsewhere 3"):
        assert value not in everything(envelope)


def test_a_withheld_parent_is_said_to_those_who_might_tell_and_to_no_other():
    parent = {"role": "parent", "name": "Sam Example", "parental_responsibility": True}
    decided = {"decision": "withhold", "reason": "risk", "decided_by": "Jo Worker"}
    doc = merged(DOC, {"people": [{**parent, "notify": decided}]})
    assert notice_json(composer().content(claimed("police", doc=doc)))["withheld_parent"] is True
    assert notice_json(composer().content(claimed("social_worker", doc=doc)))["withheld_parent"] is True
    assert notice_json(composer().content(claimed("school", doc=doc)))["withheld_parent"] is False
    abductor = merged(DOC, {"people": [{**parent, "suspected_abductor": True}]})
    assert notice_json(composer().content(claimed("police", doc=abductor)))["withheld_parent"] is True
    told = merged(DOC, {"people": [{**parent, "notify": {"decision": "notify"}}]})
    assert notice_json(composer().content(claimed("police", doc=told)))["withheld_parent"] is False


def test_abduction_is_said_first_to_the_police_only():
    doc = merged(DOC, {"episode": {"abduction_suspected": True}})
    assert notice_json(composer().content(claimed("police", doc=doc)))["abduction"] is True
    assert notice_json(composer().content(claimed("responsible_authority", doc=doc)))["abduction"] is False


@pytest.mark.parametrize("kind", ["found", "returned", "retraction"])
def test_the_stand_down_takes_the_child_off_the_register(kind):
    assert notice_json(composer().content(claimed("police", kind=kind)))["remove_now"] is True


def test_the_sender_is_the_authority_responsible_and_says_whom_to_ring():
    text = content(composer().content(claimed())).text
    assert "Example Council, children's services: " in text
    assert "960001" in text.replace(" ", "")


def test_a_sender_the_directory_does_not_know_is_no_reason_not_to_tell():
    envelope = composer(Directory.of(replace(small_bundle(), organisations=()))).content(claimed())
    assert NAME in everything(envelope)


def test_a_child_not_looked_after_is_reported_by_the_authority_it_lives_in():
    doc = merged(DOC, {"child": {"looked_after": False}, "placement": {"host_authority": BROMLEY}})
    assert "Example Council" in content(composer().content(claimed("school", doc=doc))).text


def test_facts_that_are_missing_altogether_do_not_stop_a_notice():
    bare = {"episode": {}, "child": {}, "placement": None, "people": None}
    envelope = composer().content(claimed(doc=bare, fields=("child.name",)))
    assert notice_json(envelope)["fields"] == {}


def test_a_weak_secret_is_refused_when_the_composer_is_made():
    with pytest.raises(WeakSecret):
        Composer(directory=lambda: Directory.of(small_bundle()), ack_secret=b"x", public_url="https://h", collect="")


POLICE_CONTACT = "e23000001.missing_persons_unit"


def waiting(contact: str = POLICE_CONTACT, **more: Any) -> ClaimedDelivery:
    """A notice to the police that has waited since their contact's address was still the old one."""
    one = claimed(**more)
    return replace(one, delivery=replace(one.delivery, contact=contact, address="old@police.example"))


def police_at(*contacts: Contact) -> Composer:
    bundle = small_bundle()
    others = tuple(c for c in bundle.contacts if c.organisation != MET)
    return composer(Directory.of(replace(bundle, contacts=(*others, *contacts))))


def test_a_contact_corrected_while_a_notice_waits_is_reached_at_the_new_address():
    made = police_at(contact(MET, "missing_persons_unit", address="new@police.example"))
    assert made.content(waiting()).address == "new@police.example"
    assert made.alert(waiting()).address == "new@police.example"


def test_who_took_a_removed_contacts_place_is_told_instead():
    made = police_at(contact(MET, "missing_persons_unit", id="another", address="new@police.example"))
    assert made.content(waiting()).address == "new@police.example"


def test_a_contact_that_only_has_another_id_now_is_the_same():
    made = police_at(
        contact(MET, "missing_persons_unit", id="first", address="new@police.example"),
        contact(MET, "missing_persons_unit", id="second", address="old@police.example", order=1),
    )
    assert made.content(waiting()).address == "old@police.example"


def test_an_id_that_is_somebody_elses_by_now_gets_nothing():
    made = police_at(
        contact(BROMLEY, "mash", id=POLICE_CONTACT, address="mash@council.example"),
        contact(MET, "missing_persons_unit", id="another", address="new@police.example"),
    )
    assert made.content(waiting()).address == "new@police.example"


def test_a_contact_that_stands_at_another_desk_by_now_gets_nothing():
    moved = contact(MET, "front_counter", id=POLICE_CONTACT, address="old@police.example")
    made = police_at(moved, contact(MET, "missing_persons_unit", id="another", address="new@police.example"))
    assert made.content(waiting()).address == "new@police.example"
    with pytest.raises(NoContact):
        police_at(moved).content(waiting())


@pytest.mark.parametrize(
    "contacts",
    [
        (),
        (contact(MET, "missing_persons_unit", valid_until=NOW),),
        (contact(MET, "missing_persons_unit", channel="sms", address="+447700900001"),),
    ],
    ids=["removed", "expired", "on another channel"],
)
def test_an_address_taken_off_the_directory_gets_nothing_more(contacts: tuple[Contact, ...]):
    made = police_at(*contacts)
    for make in (made.content, made.alert):
        with pytest.raises(NoContact):
            make(waiting())


def test_the_notice_of_a_gap_never_moves_on_to_the_operator_with_its_content():
    about = {"organisation": BROMLEY, "gap_role": "iro", "roles": ("responsible_authority",)}
    bundle = small_bundle()
    desk = waiting("e09000006.fallback", notice=about)
    assert composer().content(desk).address == "fallback@e09000006.example"
    without = tuple(c for c in bundle.contacts if c.desk != "fallback")
    with pytest.raises(NoContact):
        composer(Directory.of(replace(bundle, contacts=without))).content(desk)


READERS: list[dict[str, Any]] = [
    {"roles": (role,), "kind": kind, "organisation": organisation}
    for role, organisation in [(one, MET) for one in sorted(COLUMNS)] + [("operator", OPERATOR)]
    for kind in ("missing", "found")
]


@given(st.permutations(READERS), st.sampled_from(["missing", "child.name", "people", "child.photo"]))
@settings(max_examples=8)
def test_readers_claimed_together_are_told_what_each_alone_would_be(readers: list[dict[str, Any]], left_out: str):
    """Whatever they share is the same for both: nobody sees what another may see, and nobody misses anything."""
    photo = {"media_type": "image/jpeg", "data_base64": base64.b64encode(b"\xff\xd8\xffpicture").decode()}
    doc = merged(DOC, {"child": {"photo": photo}})
    shared: dict[Any, Any] = {}
    for reader in readers:
        roles, kind = reader["roles"], reader["kind"]
        fields = tuple(path for path in view(doc, roles, kind).fields if path != left_out)
        about = {"organisation": reader["organisation"]}
        alone = claimed(*roles, doc=doc, kind=kind, fields=fields, notice=about)
        together = replace(alone, shared=shared)
        assert composer().content(together).body == composer().content(alone).body, reader
    assert shared, "nothing was shared"


def test_what_was_worked_out_of_other_facts_is_not_shown():
    first = claimed("police")
    composer().content(first)
    later = replace(first, doc=merged(DOC, {"child": {"name": "Kit Example"}}))
    assert notice_json(composer().content(later))["fields"]["child.name"] == "Kit Example"


def test_a_photo_is_read_once_for_all_who_see_it_and_for_nobody_else():
    photo = {"media_type": "image/jpeg", "data_base64": base64.b64encode(b"\xff\xd8\xffpicture").decode()}
    doc = merged(DOC, {"child": {"photo": photo}})
    shared: dict[Any, Any] = {}
    found = {}
    for role in ("police", "social_worker", "regulator"):
        one = replace(claimed(role, doc=doc), shared=shared)
        found[role] = {a.name: a.data for a in content(composer().content(one)).attachments}
    assert found["police"]["photo.jpg"] is found["social_worker"]["photo.jpg"]
    assert "photo.jpg" not in found["regulator"]
