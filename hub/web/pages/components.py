"""The components of the GOV.UK Design System, as functions for our templates.

Their own templates ask for whatever parameter there may be, so they are loaded apart: in ours a name that nobody gave a
value is an error.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, Final

from jinja2 import Environment, PrefixLoader

from hub.web.pages.sources import environment, loaded

PACKAGE: Final = "govuk_frontend_jinja"
NAMED: Final = re.compile(r"\bgovuk[A-Z]\w*")


def components(sources: Iterable[str]) -> Mapping[str, Callable[..., str]]:
    """Those that these templates use, by name (``govukButton``). One that does not exist raises jinja2.TemplateNotFound
    when it is called."""
    templates = environment(PrefixLoader({PACKAGE: loaded(PACKAGE)}))
    names = {name for source in sources for name in NAMED.findall(source)}
    return {name: _component(templates, name) for name in sorted(names)}


def _component(templates: Environment, name: str) -> Callable[..., str]:
    macro = cache(partial(_macro, templates, name))

    def component(*positional: Any, **named: Any) -> str:
        rendered: str = macro()(*positional, **named)
        return rendered

    return component


def _macro(templates: Environment, name: str) -> Callable[..., Any]:
    folder = re.sub(r"(?<!^)([A-Z])", r"-\1", name.removeprefix("govuk")).lower()
    template = templates.get_template(f"{PACKAGE}/components/{folder}/macro.html")
    macro: Callable[..., Any] = getattr(template.module, name)
    return macro
