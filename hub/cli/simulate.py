"""``fingerpost simulate``: a scenario on a virtual clock. Reads one file, sends nothing, stores nothing."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hub.cli.console import OUT, USAGE, fail, table
from hub.simulate import BadScenario
from hub.simulate import simulate as run
from routing.calendar import LONDON

STYLE = {"notify": "green", "withhold": "yellow", "hold": "yellow", "gap": "red", "suppress": "yellow"}


def simulate(
    file: Annotated[Path, typer.Argument(help='The scenario (JSON): {"title", "events", "unreachable", "until"}.')],
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False,
) -> None:
    """Run a scenario: who would be told what, when, why; which duties fall due. Sends nothing."""
    try:
        scenario = json.loads(file.read_bytes())
        answer = run(scenario)
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    except (ValueError, AttributeError) as error:
        fail(f"{file} is not a scenario: {error if isinstance(error, BadScenario) else 'it is not JSON'}", USAGE)
    if as_json:
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        _timeline(str(scenario.get("title") or file.name), answer)


def _timeline(title: str, answer: dict[str, Any]) -> None:
    OUT.rule(escape(title))
    for said in answer["answers"]:
        words = "; ".join(said["warnings"])
        OUT.print(
            f"{escape(str(said['event']))}: {said['status']}{' duplicate' if said['duplicate'] else ''} {escape(words)}"
        )
    rows = table("When (London)", "Cause", "Outcome", "What", "Who", "Why")
    for decision in answer["decisions"]:
        who = " ".join(filter(None, [", ".join(decision["roles"]), decision["organisation"], decision["person"]]))
        rules = " ".join(dict.fromkeys(rule["rule"] for rule in decision["rules"]))
        style = STYLE[decision["outcome"]]
        rows.add_row(
            _when(decision["at"]),
            escape(decision["cause"]),
            f"[{style}]{decision['outcome']}[/]",
            f"{decision['kind']} ({decision['priority']})",
            escape(who),
            escape(f"{decision['why']} [{rules}]"),
        )
    OUT.print(rows)
    duties = table("Duty", "No.", "Owner", "Due (London)", "State", "Closed by")
    for duty in answer["duties"]:
        duties.add_row(
            duty["code"], str(duty["occurrence"]), duty["owner"], _when(duty["due_at"]), duty["state"],
            escape(duty["closed_by"] or ""),
        )  # fmt: skip
    OUT.print(duties)
    for episode in answer["episodes"]:
        OUT.print(escape(f"{episode['ref']}: {episode['category']}, {episode['state']}"))


def _when(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(LONDON):%a %d %b %Y %H:%M %Z}"
