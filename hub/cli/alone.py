"""A command by itself, without what the others import."""

from importlib import import_module

import typer


def alone(name: str, module: str) -> typer.Typer:
    """The command line whose only command is the function ``name`` of ``module``."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.command()(getattr(import_module(module), name))
    app.callback()(_fingerpost)
    return app


def _fingerpost() -> None:
    """Keeps the command one of its own name, as among the others."""
