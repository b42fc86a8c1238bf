"""What the templates of a package say, read when a hub starts and compiled when they are first asked for.

Read at once, so that a running hub never mixes its code with the templates of an upgrade; compiled late, as all of them
take half a second of every start, and a hub that serves no page needs none.
"""

from jinja2 import BaseLoader, DictLoader, Environment, PackageLoader, Undefined


def environment(loader: BaseLoader, *, undefined: type[Undefined] = Undefined) -> Environment:
    """Of templates that do not change while the hub runs."""
    return Environment(
        loader=loader,
        cache_size=-1,
        auto_reload=False,
        autoescape=True,
        undefined=undefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def loaded(package: str) -> DictLoader:
    """The templates in the folder ``templates`` of ``package``, by their path in it."""
    there = PackageLoader(package)
    reading = environment(there)
    return DictLoader({name: there.get_source(reading, name)[0] for name in there.list_templates()})
