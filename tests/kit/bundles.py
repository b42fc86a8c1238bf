"""Any directory at all, for properties."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from contacts.model import CALENDARS, Bundle, Contact, Desk, Hours, Organisation
from contacts.roles import DESK_FUNCTIONS
from tests.kit.directory import BROMLEY, MET

keys = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True)
names = (
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
    .map(str.strip)
    .filter(lambda t: bool(t) and t[0] not in "=+-@")
)
wide_names = st.sampled_from(["Cyngor Sir Ynys Môn", "Comhairle nan Eilean Siar", 'A "quoted", name', "O'Example; Co"])
codes = st.sampled_from([BROMLEY, MET, "E06000013", "W06000015", "home-office", "school:100000", "operator", "BTP"])
moments = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))


@st.composite
def bundles(draw: st.DrawFn, keys: st.SearchStrategy[str] = keys) -> Bundle:
    """Any directory, small; ``keys``: what ids and hours are called."""

    def period() -> dict[str, datetime | None]:
        start, end = draw(moments), draw(moments)
        if start is not None and end is not None and end <= start:
            end = start + timedelta(days=1)
        return {"valid_from": start, "valid_until": end}

    shifts = draw(st.lists(keys, max_size=3, unique=True))
    bodies = draw(st.lists(codes, min_size=1, max_size=4, unique=True))
    desks = draw(
        st.lists(st.tuples(st.sampled_from(bodies), st.sampled_from(sorted(DESK_FUNCTIONS))), max_size=6, unique=True)
    )
    ids = draw(st.lists(keys, max_size=6 if desks else 0, unique=True))
    return Bundle(
        organisations=tuple(
            Organisation(
                code=code,
                name=draw(names | wide_names),
                phone=draw(st.none() | st.integers(0, 999).map(lambda n: f"+447700900{n:03d}")),
                hub_register=draw(st.booleans()),
                signing_identity=draw(st.none() | keys),
                **period(),
            )
            for code in bodies
        ),
        desks=tuple(Desk(organisation=o, function=f, name=draw(st.none() | names), **period()) for o, f in desks),
        contacts=tuple(
            Contact(
                id=key,
                organisation=desk[0],
                desk=desk[1],
                channel="email",
                address=f"{key.replace('.', '-')}.{n}@council.example",
                order=draw(st.integers(0, 999)),
                hours=draw(st.none() | st.sampled_from(shifts)) if shifts else None,
                **period(),
            )
            for n, key in enumerate(ids)
            for desk in [draw(st.sampled_from(desks))]
        ),
        hours=tuple(
            Hours(name=name, times="mon-fri 08:30-17:30", bank_holidays=draw(st.none() | st.sampled_from(CALENDARS)))
            for name in shifts
        ),
    )
