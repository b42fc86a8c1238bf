"""What people are told of changes to the directory: that there is something to do, never what stands in it. It travels
in clear."""

from typing import Final

from adapters.port import Alert

_NO_NOTICE: Final = "No notice has the reference of this message.\n"
_OVERRIDDEN: Final = (
    "An address, a number or a certificate of your organisation in the Fingerpost directory was changed by one person "
    "who said that it could not wait. Look at the change now; if it is wrong, change it back and ring the operator.\n\n"
)
OVERRIDDEN_SHORT: Final = (
    "Fingerpost: the directory entry of your organisation was changed without a second person. Look at it now."
)


def waits(link: str, number: int, days: int) -> Alert:
    """For those who may agree. ``number`` of changes; ``days``: after which one lapses."""
    what = "A change" if number == 1 else f"{number} changes"
    return Alert(
        subject="A change of the directory waits for you" if number == 1 else "Changes of the directory wait for you",
        text=(
            f"{what} to where notices go in the Fingerpost directory {'waits' if number == 1 else 'wait'} until a "
            "second person agrees. Before you agree, compare what is new with its holder, by voice.\n\n"
            f"{link}\n\n"
            f"What nobody has decided within {days} days lapses. If you were not expecting this, ask whoever proposed "
            "it.\n\n" + _NO_NOTICE
        ),
    )


def expired(link: str, days: int) -> Alert:
    """For whoever proposed it."""
    return Alert(
        subject="Your change of the directory has lapsed",
        text=(
            f"Nobody agreed within {days} days to a change of the Fingerpost directory that you proposed, so it was "
            "not made. If it is still needed, propose it again, and ring somebody who may agree.\n\n"
            f"{link}\n\n" + _NO_NOTICE
        ),
    )


def overridden(*, short: bool) -> Alert:
    """For the fallback desks of those whom an override concerns. ``short``: as a text message."""
    text = OVERRIDDEN_SHORT if short else _OVERRIDDEN + _NO_NOTICE
    return Alert(subject="The directory was changed without a second person", text=text)


def moves(link: str, *, leaving: bool) -> Alert:
    """For either address of a contact that is to move. ``leaving``: the one in use."""
    what = "no longer come to this address, but to another" if leaving else "come to this address"
    stop = "If you do not know of this, open the page and stop it." if leaving else "If you do not, do nothing."
    return Alert(
        subject="Is this change of the directory right?",
        text=(
            f"Somebody has asked that secure notices {what}. The change is made only if both addresses agree, or a "
            f"second administrator does.\n\nIf you know of it, open the page and agree. {stop}\n\n{link}\n\n"
            + _NO_NOTICE
        ),
    )
