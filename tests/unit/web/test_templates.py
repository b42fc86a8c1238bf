"""Templates are compiled when they are first asked for: that each can be is seen here and not by a reader."""

import re
from importlib.resources import files

from jinja2.meta import find_referenced_templates

from hub.web.pages.components import NAMED, PACKAGE
from hub.web.pages.rendering import templates_at
from hub.web.pages.sources import loaded


def test_each_compiles_and_what_it_builds_upon_is_there() -> None:
    sources, (_, templates) = loaded("hub.web").mapping, templates_at("")
    names = templates.list_templates()
    assert names
    for name in names:
        templates.get_template(name)
        assert set(find_referenced_templates(templates.parse(sources[name]))) <= set(names), name


def test_each_component_that_they_name_is_one_of_the_design_system() -> None:
    named = {name for source in loaded("hub.web").mapping.values() for name in NAMED.findall(source)}
    assert named
    for name in named:
        folder = re.sub(r"(?<!^)([A-Z])", r"-\1", name.removeprefix("govuk")).lower()
        macro = files(PACKAGE) / "templates" / "components" / folder / "macro.html"
        assert f"macro {name}(" in macro.read_text(encoding="utf-8"), name
