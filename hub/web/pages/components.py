"""The components of the GOV.UK Design System, as functions for our templates.

Their own templates ask for whatever parameter there may be, so they are loaded apart: in ours a name that nobody gave a
value is an error.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, PrefixLoader

PACKAGE: Final = "govuk_frontend_jinja"
NAMED: Final = re.compile(r"\bgovuk[A-Z]\w*")


def components(sources: Iterable[str]) -> Mapping[str, Callable[..., str]]:
    """Those that these templates use, by name (``govukButton``). Raises jinja2.TemplateNotFound for one that does not
    exist."""
    environment = Environment(
        loader=PrefixLoader({PACKAGE: PackageLoader(PACKAGE)}), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    names = {name for source in sources for name in NAMED.findall(source)}
    return {name: _macro(environment, name) for name in sorted(names)}


def _macro(environment: Environment, name: str) -> Callable[..., Any]:
    folder = re.sub(r"(?<!^)([A-Z])", r"-\1", name.removeprefix("govuk")).lower()
    template = environment.get_template(f"{PACKAGE}/components/{folder}/macro.html")
    macro: Callable[..., Any] = getattr(template.module, name)
    return macro
