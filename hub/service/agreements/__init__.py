"""Agreements of several organisations on an episode: proposed, answered, and brought to mind where nobody answers.

For pages and case systems alike (agreeing.py, terms.py):

- ``Agreeing.propose(who, episode, Proposal) -> Agreed | Conflict | Problems | None``
- ``Agreeing.answer(who, agreement, Reply) -> Agreed | Conflict | Problems | Refused | None``
- ``Agreeing.listed(who, episode) -> Sequence[Shown] | None``
- ``Agreeing.one(who, agreement) -> Shown | None``

None is for whoever takes no part, as for what is not there. All of it raises StoreUnavailable where the store is away.
"""
