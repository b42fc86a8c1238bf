"""Running one of the others for one burst: its server, its queue filled, its workers started and watched."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.hubs import ROOT, Seeded, signing, sinking
from bench.peers.servers import ENVIRONMENT, Server, environment, postgres, redis, redis_program
from bench.watching import Run, family, watched

PYTHON: Final = ENVIRONMENT / "bin" / "python"
WORKERS: Final = 2
"""Processes: one for each processor."""
UNSYNCED: Final = "no: Redis as it comes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One of the others. ``commands``: its worker processes; ``share``: of the notices that are sent."""

    name: str
    module: str
    way: str
    durable: str
    commands: tuple[tuple[str, ...], ...]
    server: Callable[[Path], AbstractContextManager[Server | None]]
    signers: tuple[str, ...] = ("P-256",)
    queue: bool = True
    late: bool = False
    share: float = 0.5

    @property
    def missing(self) -> str | None:
        """Why it cannot be measured here."""
        if not PYTHON.exists():
            return f"{self.name}: .venv/peers is not there (scripts/setup peers)"
        if self.server in (_redis, _synced) and redis_program() is None:
            return f"{self.name}: no Redis for this machine (Debian: apt-get install redis-server)"
        return None


def _redis(folder: Path) -> AbstractContextManager[Server]:
    return redis(folder / "redis")


def _synced(folder: Path) -> AbstractContextManager[Server]:
    return redis(folder / "redis", synced=True)


def _postgres(_: Path) -> AbstractContextManager[Server]:
    return postgres()


def _none(_: Path) -> AbstractContextManager[None]:
    return nullcontext()


_CELERY = ("-m", "celery", "-A", "bench.peers.by_celery", "worker", "-c", str(WORKERS), "--loglevel", "ERROR")
_DRAMATIQ = ("-m", "dramatiq", "bench.peers.by_dramatiq", "--processes", str(WORKERS), "--threads", "4")
_PROCRASTINATE = ("-m", "procrastinate", "--app", "bench.peers.by_procrastinate.app", "worker", "--concurrency", "8")
BOTH: Final = ("P-256", "RSA-2048")

PEERS: Final = (
    Peer(
        name="Celery + Redis, as written", module="by_celery", way="written", durable=UNSYNCED,
        commands=(_CELERY,), server=_redis, signers=BOTH,
    ),
    Peer(
        name="Celery + Redis, our composer", module="by_celery", way="composer", durable=UNSYNCED,
        commands=(_CELERY,), server=_redis,
    ),
    Peer(
        name="Celery + Redis synced, as written", module="by_celery", way="written",
        durable="yes: appendfsync always, late acks", commands=(_CELERY,), server=_synced, late=True, share=0.25,
    ),
    Peer(
        name="dramatiq + Redis, as written", module="by_dramatiq", way="written", durable=UNSYNCED,
        commands=(_DRAMATIQ,), server=_redis,
    ),
    Peer(
        name="dramatiq + Redis, our composer", module="by_dramatiq", way="composer", durable=UNSYNCED,
        commands=(_DRAMATIQ,), server=_redis,
    ),
    Peer(
        name="procrastinate + PostgreSQL, as written", module="by_procrastinate", way="written",
        durable="yes: PostgreSQL, fsync on", commands=(_PROCRASTINATE,) * WORKERS, server=_postgres,
    ),
    Peer(
        name="procrastinate + PostgreSQL, our composer", module="by_procrastinate", way="composer",
        durable="yes: PostgreSQL, fsync on", commands=(_PROCRASTINATE,) * WORKERS, server=_postgres,
    ),
    Peer(
        name="Apprise", module="by_apprise", way="written", durable="no: it has no queue",
        commands=(), server=_none, signers=("",), queue=False, share=0.1,
    ),
)  # fmt: skip


def burst(peer: Peer, folder: Path, seeded: Seeded, signer: str, warm: int) -> Run:
    """Its notices, the queue filled before the first worker starts."""
    folder.mkdir(parents=True)
    issued = signing(signer or "P-256")
    (folder / "key").write_bytes(issued.key_pem)
    (folder / "certificate").write_bytes(issued.pem)
    seeded.sample.save(folder / "sample.json")
    total, warm = round(seeded.notices * peer.share), round(warm * peer.share)
    with sinking(folder / "sink") as mail, peer.server(folder) as server:
        variables = environment(
            BENCH_WAY=peer.way,
            BENCH_PORT=str(mail.port),
            BENCH_SAMPLE=str(folder / "sample.json"),
            BENCH_KEY=str(folder / "key"),
            BENCH_CERTIFICATE=str(folder / "certificate"),
            BENCH_BROKER=server.url if server else "",
            **({"BENCH_LATE": "1"} if peer.late else {}),
        )
        put = ("-c", f"from bench.peers.{peer.module} import put; put({total})")
        if peer.queue:
            subprocess.run([PYTHON, *put], env=variables, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with _workers(peer.commands if peer.queue else (put,), variables, folder) as processes:
            run = watched(
                mail,
                total=total,
                warm=warm,
                senders=lambda: [pid for process in processes for pid in family(process.pid)],
                servers=lambda: family(server.pid) if server else [],
                alive=lambda: all(process.poll() in (None, 0) for process in processes),
            )
    if signer:
        assert b"application/pkcs7-mime" in (folder / "sink" / "mail-1").read_bytes(), "it is not sealed"
    return run


@contextmanager
def _workers(
    commands: Sequence[Sequence[str]], variables: dict[str, str], folder: Path
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    with (folder / "log").open("wb") as log:
        # In a session of their own, so that what they start ends with them.
        processes = [
            subprocess.Popen(
                [PYTHON, *command], env=variables, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
            for command in commands
        ]
    try:
        yield processes
    except Exception as error:
        error.add_note((folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:])
        raise
    finally:
        for process in processes:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
