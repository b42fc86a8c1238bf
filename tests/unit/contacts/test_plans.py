"""A desk's plan: what goes at once, and what in turn."""

from hypothesis import given
from hypothesis import strategies as st

from contacts.model import CHANNELS, Channel, Contact, Urgency
from contacts.plans import Step, plan

ALL = frozenset(CHANNELS)


def contact(id: str, channel: Channel = "email", order: int = 0, least: Urgency = "low") -> Contact:
    return Contact(
        id=id,
        organisation="E09000006",
        desk="front_door",
        channel=channel,
        address=id,
        order=order,
        least_priority=least,
    )


def shown(steps: tuple[Step, ...]) -> list[list[tuple[str, str]]]:
    return [[(way.contact.id, way.carries) for way in step] for step in steps]


def test_those_of_one_order_go_together_and_the_orders_in_turn():
    steps = plan([contact("b", order=1), contact("a"), contact("c", "push", order=1)], "normal", ALL)
    assert shown(steps) == [[("a", "content")], [("b", "content"), ("c", "content")]]


def test_a_serious_notice_goes_on_two_channels_at_once():
    contacts = [contact("mail"), contact("second", order=1), contact("mobile", "sms", order=2)]
    assert shown(plan(contacts, "high", ALL)) == [[("mail", "content"), ("mobile", "alert")], [("second", "content")]]
    assert shown(plan(contacts, "normal", ALL)) == [
        [("mail", "content")],
        [("second", "content")],
        [("mobile", "alert")],
    ]


def test_the_content_never_waits_behind_an_alert():
    contacts = [contact("mobile", "sms"), contact("mail", order=5)]
    assert shown(plan(contacts, "low", ALL)) == [[("mobile", "alert"), ("mail", "content")]]


def test_a_contact_is_spared_what_presses_less_than_it_asks_for():
    contacts = [
        contact("mail"),
        contact("manager", order=1, least="high"),
        contact("chief", order=2, least="immediate"),
    ]
    assert shown(plan(contacts, "low", ALL)) == [[("mail", "content")]]
    assert shown(plan(contacts, "high", ALL)) == [[("mail", "content")], [("manager", "content")]]
    assert len(plan(contacts, "immediate", ALL)) == 3


def test_a_channel_without_a_transport_is_no_way():
    assert plan([contact("mobile", "sms")], "immediate", {"email"}) == ()
    assert plan([], "immediate", ALL) == ()


@given(
    contacts=st.lists(
        st.builds(
            contact,
            id=st.uuids().map(str),
            channel=st.sampled_from(CHANNELS),
            order=st.integers(0, 3),
            least=st.sampled_from(["immediate", "high", "normal", "low"]),
        ),
        max_size=8,
        unique_by=lambda one: one.id,
    ),
    priority=st.sampled_from(["immediate", "high", "normal", "low"]),
)
def test_everybody_who_may_be_asked_is_asked_once(contacts, priority):
    steps = plan(contacts, priority, ALL)
    ways = [way for step in steps for way in step]
    pressing = ["immediate", "high", "normal", "low"].index
    asked = {c.id for c in contacts if pressing(priority) <= pressing(c.least_priority)}
    assert sorted(way.contact.id for way in ways) == sorted(asked)
    assert all(steps)
    if any(way.carries == "content" for way in ways):
        assert any(way.carries == "content" for way in steps[0])
    if priority in ("immediate", "high") and any(way.carries == "alert" for way in ways):
        assert any(way.carries == "alert" for way in steps[0])
    assert all((way.carries == "alert") == (way.contact.channel == "sms") for way in ways)
