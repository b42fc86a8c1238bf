"""What the templates of a package say, read when a hub starts and compiled when they are first asked for.

Read at once, so that a running hub never mixes its code with the templates of an upgrade; compiled late, as all of them
take half a second of every start, and a hub that serves no page needs none.
"""

from jinja2 import DictLoader, Environment, PackageLoader


def loaded(package: str) -> DictLoader:
    """The templates in the folder ``templates`` of ``package``, by their path in it."""
    there = PackageLoader(package)
    environment = Environment(loader=there, autoescape=True)
    return DictLoader({name: there.get_source(environment, name)[0] for name in there.list_templates()})
