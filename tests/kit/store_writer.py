"""A process that writes to a store and says so, for tests that watch it from outside or kill it.

``python -m tests.kit.store_writer FOLDER NODE CLIENTS WRITES``: each client saves reports one by one and prints
the number of each as soon as its write has returned; that line goes out unbuffered, by one write(2).
"""

import asyncio
import os
import sys
from pathlib import Path

from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from tests.kit.records import Story
from tests.kit.store import sqlite_store


async def main(folder: Path, node: str, clients: int, writes: int) -> None:
    store = await sqlite_store(folder, node=node)
    os.write(1, b"open\n")

    async def client(number: int) -> None:
        for turn in range(writes):
            name = f"{node}-{number}-{turn}"

            async def work(unit: Unit, name: str = name) -> None:
                await Story(SeededIds(name), ref=name, child_ref=name).told(unit, 3)

            await store.write(work)
            os.write(1, f"saved {name}\n".encode())

    await asyncio.gather(*(client(number) for number in range(clients)))
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
