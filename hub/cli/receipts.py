"""``fingerpost receipts pipe``: a mail server hands one mail to the running hub, and keeps it until that has stored it.

For a Postfix that delivers through pipe(8) and not to the hub's own listener. Of exit statuses Postfix knows three
kinds: 0 is delivered, 75 is try again, anything else is returned to the sender. A report has no sender, so what was
returned would be lost without a trace: whatever may pass is 75, an unanswered hub and a token that it does not know
included, and the mail waits in a queue that somebody can see.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from aiohttp import ClientError, ClientSession, ClientTimeout

from hub.cli import apart
from hub.cli.console import BUSY, fail

PATH: Final = "/v1/receipts/email"
RECIPIENT: Final = "Fingerpost-Recipient"
"""The header that bears RCPT TO: an address with a token in it stands in no URL, as those are logged."""
NO_USER: Final = 67
"""EX_NOUSER: no address that mail could have come to."""

app = typer.Typer(no_args_is_help=True, help="Mail that came back: hand it to the hub, or see what is kept apart.")
app.command("apart")(apart.apart)
app.command("show")(apart.show)


async def post(raw: bytes, recipient: str, *, url: str, token: str, seconds: float = 60.0) -> str | None:
    """Hand one mail over. None if the hub has stored it, else why not, in words for the mail server's log: free of
    what the mail says. ``url``: where the hub listens, ``http(s)://HOST[:PORT]``; ``seconds`` in all."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "message/rfc822",
        RECIPIENT: recipient,
    }
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=seconds)) as session,
            session.post(url.rstrip("/") + PATH, data=raw, headers=headers, allow_redirects=False) as response,
        ):
            status = response.status
    except (ClientError, TimeoutError, OSError) as error:
        return f"the hub does not answer ({type(error).__name__})"
    if 200 <= status < 300:
        return None
    return f"the hub did not store it (HTTP {status})"


def is_address(recipient: str) -> bool:
    """Whether it can stand in a header: printable ASCII with an @, 320 characters at most."""
    return "@" in recipient and len(recipient) <= 320 and all("!" <= char <= "~" for char in recipient)


@app.command()
def pipe(
    recipient: Annotated[str, typer.Argument(help="The address it came to; in master.cf ${recipient}.")],
    token_file: Annotated[Path, typer.Option(help="File with the API token on one line.")],
    url: Annotated[str, typer.Option(help="Where the hub listens.")] = "http://127.0.0.1:8080",
) -> None:
    """Read a mail from standard input and hand it to the hub. Exit status 75: not stored, try again."""
    if not is_address(recipient):
        fail("That is no address.", NO_USER)
    if urlsplit(url).scheme not in ("http", "https"):
        fail("--url must start with http:// or https://", BUSY)
    try:
        token = token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        fail(f"The token cannot be read ({type(error).__name__}).", BUSY)
    if not token or not token.isprintable():
        fail("The file with the token does not hold one.", BUSY)
    problem = asyncio.run(post(sys.stdin.buffer.read(), recipient, url=url, token=token))
    if problem is not None:
        fail(problem[0].upper() + problem[1:] + ".", BUSY)
