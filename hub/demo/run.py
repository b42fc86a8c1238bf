"""``fingerpost demo``: play the story, say how it went, and leave the hub running to be looked at."""

import asyncio
import shutil
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from hub.demo.show import Show
from hub.demo.story import Story
from hub.demo.world import World, free_port, world

PORT: Final = 8080


def run(once: bool) -> int:
    """0 if everything was as it should be, else 1. With ``once`` it ends by itself, else at Ctrl-C."""
    return play(Console(highlight=False), once=once)


def play(console: Console, *, once: bool) -> int:
    """The same on a console of one's own."""
    if shutil.which("openssl") is None:
        console.print(
            "The demo opens its mails with openssl, which is not installed (Debian: apt-get install openssl)."
        )
        return 1
    with TemporaryDirectory(prefix="fingerpost-demo-") as folder:
        try:
            return asyncio.run(_play(console, Path(folder), once=once))
        except KeyboardInterrupt:
            console.print("\nStopped before the end.")
            return 1


async def _play(console: Console, folder: Path, *, once: bool) -> int:
    async with world(folder, free_port(0 if once else PORT)) as made:
        show = Show(console, made.directory)
        show.title()
        story = Story(made, show)
        started = made.clock.now()
        complaints = await story.play()
        show.verdict(complaints, story.mails, (made.clock.now() - started).total_seconds())
        if complaints:
            _show_log(console, made)
        if not once:
            show.stays(f"{made.hub.url}/")
            await _wait_for_the_end(made)
            console.print("Stopped.")
    return 1 if complaints else 0


async def _wait_for_the_end(made: World) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, made.hub.supervisor.request_stop)
    await made.hub.supervisor.stopped()


def _show_log(console: Console, made: World) -> None:
    """What the hub itself had to say about it: its log holds nothing personal, even here."""
    lines = made.log.read_text(encoding="utf-8").splitlines()
    for line in [line for line in lines if '"level": "info"' not in line][-20:]:
        console.print(f"   {line}", markup=False, style="dim")
