"""What a contact is sent to prove that it works. It says nothing of anybody, nor what the notices are about,
and may travel in clear.

Where a certificate is on file the link stands inside the encryption only, so that whoever follows it has its key.
"""

from typing import Final

from adapters.port import Alert, Content
from adapters.sms.text import NotOnePart, gsm
from hub.notices.clean import line
from hub.notices.document import Document, Heading, Link, Paragraph, render_text
from hub.notices.html import render_html

SUBJECT: Final = "Please confirm that this address works"
_WHY: Final = (
    "Secure notices are sent to this address. Nothing has happened: this message only asks whether what is sent here "
    "is read."
)
_DO: Final = "Please open the page and press the button. There is nothing to fill in."
_ELSE: Final = "If this address should not be in the directory, tell whoever keeps your organisation's entries."
_SEALED: Final = "That you can read this shows that your certificate works."


def sealed(link: str) -> Content:
    """For a contact with a certificate or key."""
    document = Document(
        subject=line(SUBJECT),
        blocks=(
            Heading(level=1, text=line(SUBJECT)),
            Paragraph(text=line(_WHY)),
            Paragraph(text=line(_SEALED + " " + _DO)),
            Link(text=line("Confirm"), url=line(link)),
            Paragraph(text=line(_ELSE)),
        ),
    )
    return Content(subject=SUBJECT, text=render_text(document), html=render_html(document))


def clear(link: str) -> Alert:
    """For a mailbox without one."""
    return Alert(subject=SUBJECT, text=f"{_WHY}\n\n{_DO}\n\n{line(link)}\n\n{_ELSE}\n")


def text(link: str | None, code: str | None) -> Alert | None:
    """One text message with as much as it holds; None where neither link nor code can be given."""
    asks = [
        *([f"Please confirm: {link}"] if link is not None else []),
        *([f"Please reply 1 {code}"] if code is not None else []),
    ]
    for ask in asks:
        for words in ("Fingerpost: a check that this number works, nothing has happened.", "Check of this number."):
            try:
                gsm(f"{words} {ask}")
            except NotOnePart:
                continue
            return Alert(subject="", text=f"{words} {ask}")
    return None
