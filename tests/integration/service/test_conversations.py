"""A message is told as any notice is, to whom it is for and nobody else; whereabouts go to the police."""

import asyncio
import email
import email.policy
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from contacts.fictional import fictional_directory
from hub.core.conversation import TextProblem
from hub.core.records import NoticeRecord
from hub.edge.vault import Vault
from hub.service.audit.ports import Wanted
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import Conflict, Sent
from hub.service.envelopes import Composer
from hub.service.evidence.gathering import gathered
from hub.service.evidence.words import course
from hub.service.tenancy import Own, scoped
from hub.store.sqlite import SqliteStore
from tests.integration.service.test_chasing import answer
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, JPEG, MET, SCHOOL, Talk, somebody
from tests.kit.delivering import Notes, Sink, Watched, World
from tests.kit.events import reported, returned, updated
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.pki import NOW, intermediate, person, root, rsa_key
from tests.kit.smtp import client_context, smtp_server
from tests.kit.store import sqlite_store

DOOR = somebody(BROMLEY, "front_door")
POLICE = somebody(HUMBERSIDE, name="Pat Officer")
OFFICE = somebody(SCHOOL, name="Sam Secretary")
TO_OFFICE = (SCHOOL, "school_office")
TO_POLICE = (HUMBERSIDE, "missing_persons_unit")
TO_MET = (MET, "missing_persons_unit")
FORCES = {TO_POLICE, TO_MET}


@pytest.fixture
async def talk(hub: Hub) -> Talk:
    assert (await hub.post(reported())).status == 202
    return Talk(hub)


async def told(talk: Talk) -> list[NoticeRecord]:
    return await talk.hub.notices(kind="conversation")


async def test_a_question_is_told_to_whom_it_is_for_and_answered_in_the_same_conversation(talk: Talk) -> None:
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,), files=(JPEG,))
    (notice,) = await told(talk)
    assert (notice.organisation, notice.roles, notice.priority, notice.state) == (
        SCHOOL, ("school",), "high", "pending"
    )  # fmt: skip
    assert notice.chase_at is not None and await talk.hub.see(lambda unit: unit.deliveries(notice.id))
    assert talk.hub.nudged
    await talk.wrote(OFFICE, thread=asked.thread, in_reply_to=asked.id, text="No, she was not.")
    assert {one.organisation for one in await told(talk)} == {SCHOOL, BROMLEY}
    for who in (DOOR, OFFICE):
        assert await talk.read(who, asked.thread) == ["Was she at school today?", "No, she was not."]
    listed = await talk.hub.see(lambda unit: unit.trail.listed(Wanted(episode=asked.episode), limit=500))
    said = [(one.line.action, one.line.actor, one.line.organisation) for one in listed]
    for action, who in (("thread.opened", DOOR), ("message.sent", OFFICE), ("message.read", OFFICE)):
        assert (action, who.actor, who.organisation) in said


async def test_whoever_answers_a_message_has_not_accepted_that_the_child_is_missing(talk: Talk) -> None:
    hub = talk.hub
    (missing,) = [one for one in await hub.notices(kind="missing") if one.organisation == HUMBERSIDE]
    await hub.clock.advance(60)
    await talk.wrote(DOOR, to=(TO_POLICE,))
    (asked,) = await told(talk)
    assert (await answer(hub, asked)).state == "acknowledged"  # as the page does for whoever replies
    (after,) = [one for one in await hub.notices() if one.id == missing.id]
    assert (after.state, after.chase_at) == (missing.state, missing.chase_at), "D13: nobody has accepted it"
    with scoped(Own(HUMBERSIDE)):
        waiting = await hub.see(lambda unit: unit.desk.listed(POLICE.sight, "unanswered"))
    assert [one.notice.id for one in waiting] == [missing.id]


async def test_whoever_accepts_later_news_has_not_answered_what_somebody_wrote(talk: Talk) -> None:
    hub = talk.hub
    await talk.wrote(POLICE, to=((BROMLEY, "front_door"),), purpose="sighting", text="Seen at the station.")
    (written,) = [one for one in await told(talk) if one.organisation == BROMLEY]
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    (news,) = [one for one in await hub.notices(kind="update") if "responsible_authority" in one.roles]
    await answer(hub, news)
    (after,) = [one for one in await hub.notices() if one.id == written.id]
    assert (after.state, after.chase_at) == ("pending", written.chase_at)
    with scoped(Own(BROMLEY)):
        waiting = await hub.see(lambda unit: unit.desk.listed(DOOR.sight, "unanswered"))
    assert [one.notice.id for one in waiting] == [written.id]


async def test_whereabouts_go_to_all_police_at_once_and_not_to_who_may_not_know_a_place(talk: Talk) -> None:
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,))
    seen = await talk.wrote(DOOR, thread=asked.thread, purpose="sighting", text="Seen at the station.")
    assert {one.party.key: one.because for one in seen.readers if one.because != "author"} == dict.fromkeys(
        FORCES, "whereabouts"
    )
    fresh = [one for one in await told(talk) if one.organisation != SCHOOL]
    assert {(one.organisation, one.priority) for one in fresh} == {(HUMBERSIDE, "immediate"), (MET, "immediate")}
    for one in fresh:
        assert all(way.jumps for way in await talk.hub.see(lambda unit, id=one.id: unit.deliveries(id)))  # type: ignore[misc]
    assert await talk.read(OFFICE, asked.thread) == ["Was she at school today?"]
    assert await talk.read(POLICE, asked.thread) == ["Seen at the station."], "and nothing from before they joined"
    later = await talk.wrote(POLICE, thread=asked.thread, text="Thank you, we are there.")
    assert {one.party.key for one in later.readers} == {*FORCES, TO_OFFICE, (BROMLEY, "front_door")}


async def test_whether_there_is_news_is_known_without_opening_a_message(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,))
    await talk.wrote(OFFICE, thread=asked.thread, text="No, she was not.")
    await talk.wrote(DOOR, thread=asked.thread, purpose="sighting", text="Seen at the station.")
    opened, real = Counter[str](), Vault.open

    def counted(vault: Vault, key: bytes, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        opened[table] += 1
        return real(vault, key, sealed, table=table, column=column, row=row)

    async def news(who: Who) -> str | None:
        with scoped(Own(who.organisation)):
            return await talk.reading.mark(who, asked.thread)

    monkeypatch.setattr(Vault, "open", counted)
    marks = {who: await news(who) for who in (DOOR, OFFICE, POLICE)}
    assert {await news(who) for who in (somebody("E09000007"), somebody(BROMLEY, "designated_nurse"))} == {None}
    assert not opened, "what nobody is shown stays shut"
    for who, mark in marks.items():
        with scoped(Own(who.organisation)):
            page = await talk.reading.read(who, asked.thread)
        assert page is not None and page.mark == mark, "what a page shows and what its stream says agree"
    assert opened["messages"] and marks == {DOOR: "3.0", OFFICE: "2.0", POLICE: "1.0"}, "by what is for each"


async def test_of_a_child_who_was_erased_there_is_no_news(talk: Talk) -> None:
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,))
    with scoped(Own(DOOR.organisation)):
        assert await talk.reading.mark(DOOR, asked.thread)
        assert await talk.reading.mark(DOOR, "th_unknown") is None
    child = (await talk.hub.episode()).record.child
    store = talk.hub.store
    assert isinstance(store, SqliteStore) and store._keys is not None
    await store._keys.destroy([child], talk.hub.clock.now())
    with scoped(Own(DOOR.organisation)):
        assert await talk.reading.mark(DOOR, asked.thread) is None


async def test_nobody_could_be_asked_so_it_is_taken_to_touch_whereabouts(talk: Talk) -> None:
    sent = await talk.wrote(OFFICE, to=((BROMLEY, "front_door"),), whereabouts=None, via="email")
    assert sent.whereabouts and {one.party.key for one in sent.readers} > FORCES


async def test_who_was_not_told_takes_no_part_whatever_they_know(talk: Talk) -> None:
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,), files=(JPEG,))
    for who in (somebody("E09000007"), somebody(BROMLEY, "designated_nurse"), somebody("operator")):
        assert await talk.write(who, to=(TO_OFFICE,)) is None
        assert await talk.write(who, thread=asked.thread, in_reply_to=asked.id) is None
        assert await talk.read(who, asked.thread) is None
        with scoped(Own(who.organisation)):
            assert await talk.reading.listed(who, asked.episode) is None
            assert await talk.reading.picture(who, asked.files[0].id) is None
            assert await talk.writing.audience(who, asked.episode) is None
    assert len(await told(talk)) == 1


async def test_of_another_conversation_a_party_reads_nothing(talk: Talk) -> None:
    asked = await talk.wrote(DOOR, to=(TO_POLICE,), files=(JPEG,))
    assert await talk.read(OFFICE, asked.thread) is None
    assert await talk.write(OFFICE, thread=asked.thread) is None
    assert await talk.read(somebody(BROMLEY, "iro_service"), asked.thread) is None, "nor another desk of the author's"
    with scoped(Own(SCHOOL)):
        listed = await talk.reading.listed(OFFICE, asked.episode)
        assert listed is not None and listed.summaries == ()
        assert await talk.reading.picture(OFFICE, asked.files[0].id) is None
    with scoped(Own(HUMBERSIDE)):
        listed = await talk.reading.listed(POLICE, asked.episode)
        picture = await talk.reading.picture(POLICE, asked.files[0].id)
    assert listed is not None and [(one.count, one.newest.id) for one in listed.summaries] == [(1, asked.id)]
    assert picture is not None and picture.data == JPEG


async def test_who_only_hears_of_it_writes_to_those_who_work_it_and_sees_no_other_party(talk: Talk) -> None:
    episode = await talk.episode()
    with scoped(Own(SCHOOL)):
        audience = await talk.writing.audience(OFFICE, episode)
    assert audience is not None
    front = {(BROMLEY, "front_door"), (HOST, "front_door")}
    assert {one.key for one in audience.offered} == FORCES | front
    for to in (((BROMLEY, "iro_service"),), (("E09000007", "front_door"),), ()):
        (problem,) = await talk.write(OFFICE, to=to)
        assert isinstance(problem, TextProblem) and problem.field == "readers"
    asked = await talk.wrote(DOOR, to=(TO_OFFICE,))
    with scoped(Own(BROMLEY)):
        audience = await talk.writing.audience(DOOR, episode, thread=asked.thread)
        assert await talk.writing.audience(DOOR, episode, desk="mash") is None
    assert audience is not None and (BROMLEY, "iro_service") in {one.key for one in audience.offered}, "their own too"
    assert [one.key for one in audience.thread] == [TO_OFFICE]
    assert {one.key for one in audience.besides} == FORCES
    assert TO_OFFICE in audience.kept_from and not audience.kept_from & (FORCES | front)


async def test_a_picture_says_where_it_was_taken_to_those_alone_who_may_know(talk: Talk) -> None:
    placed = JPEG[:2] + b"\xff\xe1\x00\x0fExif\0\0 51.4 N" + JPEG[2:]
    for more, kept in (({"to": (TO_OFFICE,)}, JPEG), ({"purpose": "sighting"}, placed)):
        for _ in range(2):  # sent again, it is the same
            sent = await talk.write(DOOR, key=str(more), files=(placed,), **more)
            assert isinstance(sent, Sent), sent
        found = await talk.hub.see(lambda unit, file=sent.message.files[0].id: unit.conversations.file(file))  # type: ignore[misc]
        assert found is not None and found.file.data == kept
    (problem,) = await talk.write(DOOR, to=(TO_OFFICE,), files=(placed[:-9],))
    assert problem.field == "files"


async def test_what_is_sent_twice_is_one_message_and_other_words_under_its_key_are_refused(talk: Talk) -> None:
    first = await talk.wrote(DOOR, to=(TO_OFFICE,), key="a form", files=(JPEG,))
    again = await talk.write(DOOR, to=(TO_OFFICE,), key="a form", files=(JPEG,))
    assert isinstance(again, Sent) and again.repeated and again.message.id == first.id
    for more in ({"text": "Something else"}, {"files": ()}, {"purpose": "information", "files": (JPEG,)}):
        assert isinstance(await talk.write(DOOR, **{"to": (TO_OFFICE,), "key": "a form", **more}), Conflict)
    other = await talk.wrote(OFFICE, to=((BROMLEY, "front_door"),), key="a form")
    assert other.id != first.id, "a key is its author's"
    assert len(await told(talk)) == 2


async def test_who_writes_on_and_on_is_told_to_ring(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.core.conversation.MOST_A_DAY", 2)
    first = await talk.wrote(DOOR, to=(TO_OFFICE,), key="first")
    await talk.wrote(DOOR, to=(TO_OFFICE,))
    (refused,) = await talk.write(DOOR, to=(TO_OFFICE,))
    assert refused.field == "text" and "Ring whoever has to know" in refused.message
    again = await talk.write(DOOR, to=(TO_OFFICE,), key="first")
    assert again.repeated and again.message.id == first.id, "what was sent is answered as it was"
    await talk.wrote(OFFICE, thread=first.thread)


async def test_sent_to_two_nodes_at_once_it_is_one_message_beside_a_report(nodes: tuple[Hub, Hub]) -> None:
    one, other = nodes
    await one.post(reported())
    talks = (Talk(one), Talk(other))
    both = [talk.write(DOOR, to=(TO_OFFICE,), key="a form") for talk in talks]
    *outcomes, answer = await asyncio.gather(*both, other.post(updated()))
    assert answer.status == 202 and all(isinstance(outcome, Sent) for outcome in outcomes)
    assert sorted(outcome.repeated for outcome in outcomes) == [False, True]
    assert len({outcome.message.id for outcome in outcomes}) == 1 and len(await told(talks[0])) == 1


async def test_everything_that_is_wrong_is_said_at_once(talk: Talk) -> None:
    problems = await talk.write(
        DOOR, to=(TO_OFFICE,), text=" ", purpose="agreement", whereabouts=None, files=(b"%PDF-1.7",)
    )
    assert [one.field for one in problems] == ["text", "purpose", "whereabouts", "files"]
    assert await told(talk) == []


async def test_who_cannot_be_reached_is_a_gap_and_the_desk_that_stands_in_reads_it(hub: Hub) -> None:
    hub.directory = fictional_directory(unreachable_organisations=(HUMBERSIDE,))
    await hub.post(reported())
    talk = Talk(hub)
    sent = await talk.wrote(somebody(HOST, "front_door"), to=(TO_POLICE,))
    (notice,) = await told(talk)
    assert (notice.gap_role, notice.organisation) == ("police", BROMLEY)
    assert [(one.party.organisation, one.because) for one in sent.readers] == [
        (HOST, "author"), (HUMBERSIDE, "named"), (BROMLEY, "stands_in")
    ]  # fmt: skip
    assert any(one.kind == "gap" and one.notice == notice.id for one in await hub.alarms())
    with scoped(Own(BROMLEY)):
        filed = await hub.see(lambda unit: unit.desk.one(somebody(BROMLEY).sight, notice.id))
    assert filed is not None and filed.claimed is not None and filed.claimed.message is not None
    door = (BROMLEY, "front_door")
    seen = await talk.wrote(somebody(HOST, "front_door"), to=(door,), purpose="sighting")
    own = [one.id for one in await told(talk) if (one.organisation, one.gap_role) == (BROMLEY, None)]
    with scoped(Own(BROMLEY)):
        answers = await talk.reading.unanswered(somebody(BROMLEY), replace(seen, id=f"{seen.id}~"))
    assert list(answers) == own, "to reply is not to have told the police"


async def test_a_desk_that_stands_in_at_its_own_organisation_writes_for_the_other(hub: Hub) -> None:
    hub.directory = fictional_directory(unreachable_roles=("iro",))
    await hub.post(reported())
    talk, fallback = Talk(hub), somebody(BROMLEY, "fallback")
    asked = await talk.wrote(POLICE, to=((BROMLEY, "iro_service"),))
    assert await talk.read(fallback, asked.thread) == ["Was she at school today?"]
    with scoped(Own(BROMLEY)):
        assert await talk.reading.mark(fallback, asked.thread) == "1.0"
        assert await talk.reading.mark(DOOR, asked.thread) is None


async def test_after_the_end_it_goes_on_and_after_erasure_there_is_nothing(talk: Talk) -> None:
    first = await talk.wrote(DOOR, to=(TO_OFFICE,))
    await talk.hub.clock.advance(3600)
    await talk.hub.post(returned())
    (notice,) = await told(talk)
    assert notice.state == "pending", "an ending makes no message pointless"
    await talk.wrote(OFFICE, thread=first.thread, text="Glad to hear it.")
    found = await talk.hub.see(lambda unit: gathered(unit, first.episode, proof=False))
    assert found is not None
    said = "\n".join(one.text for one in course(found))
    assert "Kit Writer (Bromley) wrote to" in said and "Glad to hear it." in said
    store, now = talk.hub.store, talk.hub.clock.now()
    child = (await talk.hub.episode()).record.child
    await store.write(lambda unit: unit.retention.begin(child, now))
    assert await talk.write(DOOR, thread=first.thread, episode=first.episode) is None, "its key is about to go"
    await store._keys.destroy([child], now)  # type: ignore[attr-defined]
    assert await talk.read(DOOR, first.thread) is None
    assert await talk.write(DOOR, thread=first.thread, episode=first.episode) is None


async def test_the_whole_way_a_sighting_is_opened_by_openssl_at_the_police(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None
    plain = fictional_directory()
    contact = next(one for one in plain.contacts_of(HUMBERSIDE, "missing_persons_unit", NOW) if one.channel == "email")
    reader = person(contact.address, issuer=intermediate())
    signer = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
    directory = fictional_directory(certificates=lambda address: reader.der if address == contact.address else None)
    hub = await a_hub(await sqlite_store(tmp_path / "hub"), directory=directory)
    await hub.clock.advance((NOW - hub.clock.now()).total_seconds())
    await hub.post(reported())
    talk = Talk(hub)
    async with smtp_server() as server:
        transport = EmailTransport(
            host=server.host,
            port=server.port,
            tls_context=client_context(),
            sender="notices@hub.example",
            mail_domain="hub.example",
            signer=Signer(certificate=signer.certificate, key=signer.key),
            trust=Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
            pool_size=1,
            timeouts=Timeouts(connect=5, command=5, content=5, total=15, close=1),
        )
        world = World(store=Watched(hub.store), clock=hub.clock, sinks={"email": Sink(), "sms": Sink("sms")})
        world.sinks["email"] = transport  # type: ignore[assignment]  # the real one takes the sink's place
        world.envelopes = Composer(  # type: ignore[assignment]  # the real one too
            directory=lambda: directory, ack_secret=ACK_SECRET, public_url="https://hub.example", collect="Ring."
        )
        await talk.wrote(
            DOOR, to=(TO_POLICE,), purpose="sighting", text="Seen at the station.\nIn a red car.", files=(JPEG,)
        )
        (notice,) = [one for one in await told(talk) if one.organisation == HUMBERSIDE]
        (way,) = [one for one in await hub.see(lambda unit: unit.deliveries(notice.id)) if one.channel == "email"]

        async def arrived() -> bool:
            return any(way.id.encode() in one.data for one in server.received)

        async with world.delivering(world.delivery()):
            await world.passing(arrived)
        (mail,) = [one.data for one in server.received if way.id.encode() in one.data]
        await transport.aclose()
    await hub.store.aclose()
    for secret in (b"station", b"Kit Writer", b"Robin", JPEG):
        assert secret not in mail
    (tmp_path / "mail.eml").write_bytes(mail)
    (tmp_path / "reader.pem").write_bytes(reader.pem + reader.key_pem)
    done = subprocess.run(
        [openssl, "cms", "-decrypt", "-in", "mail.eml", "-recip", "reader.pem"],
        cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    parts = list(email.message_from_bytes(done.stdout, policy=email.policy.default).walk())
    texts = [one.get_content() for one in parts if one.get_content_maintype() == "text"]
    opened = "\n".join([*texts, *(str(one) for one in parts if one.get_content_type() == "application/json")])
    assert [one.get_content() for one in parts if one.get_filename() == "picture-1.jpg"] == [JPEG]
    assert any(one["Subject"] == "A message about Robin Example" for one in parts)
    for words in ("Kit Writer, ", "Seen at the station.", "In a red car.", "https://hub.example/conversations/th_"):
        assert words in opened, words
    assert "Inhaler" not in opened and "Blue coat" not in opened, "of the child only what the message needs"
    assert isinstance(world.notes, Notes)
