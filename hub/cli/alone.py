"""``fingerpost simulate`` by itself, without what the other commands import."""

import typer

from hub.cli.simulate import simulate

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.command()(simulate)


@app.callback()
def _fingerpost() -> None:
    """Keeps ``simulate`` a command of its own name, as among the others."""
