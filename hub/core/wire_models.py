"""The wire, version 1 (events.md), as pydantic models: the source of truth for the published JSON Schema.

Every key may be left out or null unless it says otherwise: not given. In an update null clears (RFC 7396), so what a
report must give cannot be null there either. What no single value can say alone is in wire_checks.py.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.core.wire_values import (
    AreaCode,
    Base64Photo,
    BroughtBy,
    Category,
    Circulation,
    Classification,
    Day,
    DutyOutcome,
    Form,
    FoundBy,
    Instant,
    JsonType,
    LegalStatus,
    Line,
    MissingFrom,
    Name,
    NotifyDecision,
    PersonRole,
    PhotoType,
    PlacementType,
    Reason,
    Reference,
    ReturnedTo,
    RiskLevel,
    Status,
    Text,
    UriReference,
    Urn,
)

_UNSENT: Final[Any] = None
"""The default of a key that may be left out but not be null."""

Names = Annotated[list[Name], Field(max_length=50)]
Lines = Annotated[list[Line], Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=1000)]


class Wire(BaseModel):
    """Strict: no key that is not listed, no value turned from one type into another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _both(**values: str | bool) -> dict[str, Any]:
    """JSON Schema: an object in which all of these keys have these values."""
    return {"required": list(values), "properties": {key: {"const": value} for key, value in values.items()}}


class LastSeen(Wire):
    at: Instant | None = None
    place: Text | None = None
    with_: Text | None = Field(default=None, alias="with")


class Police(Wire):
    reported_at: Instant | None = None
    incident_number: Line | None = None
    classification: Classification | None = None


class Risk(Wire):
    level: RiskLevel | None = Field(default=None, description="null: not graded yet.")
    assessed_by: Line | None = None
    basis: Text | None = None
    at: Instant | None = None


class EpisodeRef(Wire):
    ref: Reference = Field(description="The source's own reference of the episode, unique per source.")


class EpisodeChange(EpisodeRef):
    model_config = ConfigDict(json_schema_extra={"not": _both(category="missing", whereabouts_known=True)})

    category: Category = Field(default=_UNSENT, description="away: away from placement without authorisation.")
    whereabouts_known: bool | None = Field(default=None, description="Default: false for missing, true for away.")
    at_risk: bool | None = Field(
        default=None, description="Away, and believed at risk of harm where they are: the police get a concern report."
    )
    status: Status | None = Field(
        default=None, description="Default: actual. An exercise is marked on every notice. It never changes."
    )
    since: Instant | None = Field(
        default=None, description="When the child went missing or was last where expected. Default: the event's time."
    )
    noticed_at: Instant | None = None
    last_seen: LastSeen | None = None
    missing_from: MissingFrom | None = None
    missing_from_authority: AreaCode | None = Field(
        default=None, description="Area the child went missing from, where it is not the area they live in."
    )
    circumstances: Text | None = None
    clothing: Text | None = None
    belongings: Text | None = None
    companions: Lines | None = None
    vehicle: Text | None = None
    intentions: Text | None = None
    initial_checks: Annotated[list[Text], Field(max_length=100)] | None = None
    police: Police | None = None
    risk: Risk | None = None
    abduction_suspected: bool | None = None
    sexual_exploitation_suspected: bool | None = None
    criminal_exploitation_suspected: bool | None = None
    trafficking_suspected: bool | None = None
    radicalisation_suspected: bool | None = None


class EpisodeReport(EpisodeChange):
    category: Category = Field(description="away: away from placement without authorisation.")


class Photo(Wire):
    media_type: PhotoType
    data_base64: Base64Photo


class ChildChange(Wire):
    ref: Reference = Field(default=_UNSENT, description="The source's own reference of the child. It never changes.")
    name: Name = _UNSENT
    other_names: Names | None = None
    date_of_birth: Day = _UNSENT
    gender: Line | None = None
    ethnicity: Line | None = None
    preferred_language: Line | None = None
    description: Text | None = Field(default=None, description="Height, build, eyes, hair, marks.")
    photo: Photo | None = None
    medical: Text | None = None
    medication: Text | None = None
    disabilities: Text | None = None
    mobile: Line | None = None
    looked_after: bool | None = None
    legal_status: LegalStatus | None = None
    care_leaver: bool | None = None
    child_protection_plan: bool | None = None
    section_47_enquiry: bool | None = None
    known_to_childrens_services: bool | None = None
    early_help: bool | None = None
    subject_to_immigration_restriction: bool | None = None
    home_office_reference: Line | None = None
    absconder: bool | None = Field(
        default=None, description="Subject to an order or requirement of the criminal justice process."
    )
    previous_episodes: Count | None = Field(
        default=None, description="Episodes the source knows of that this hub may not."
    )


class ChildReport(ChildChange):
    ref: Reference = Field(description="The source's own reference of the child.")
    name: Name
    date_of_birth: Day


class PlacementChange(Wire):
    type: PlacementType | None = Field(default=None, description="null: not known; a report is never refused for it.")
    responsible_authority: AreaCode | None = Field(
        default=None, description="English authority; required when the child is looked after."
    )
    host_authority: AreaCode = Field(
        default=_UNSENT, description="Area the placement or home is in, anywhere in the United Kingdom."
    )
    district: AreaCode | None = Field(
        default=None, description="District (LAD) code, needed where a former authority code is ambiguous."
    )
    provider: Line | None = None
    address: Text | None = None
    phone: Line | None = None
    starts_on: Day | None = None


class PlacementReport(PlacementChange):
    host_authority: AreaCode = Field(description="Area the placement or home is in, anywhere in the United Kingdom.")


class School(Wire):
    urn: Urn | None = None
    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None


class Notify(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "if": _both(decision="withhold"),
            "then": {
                "required": ["reason", "decided_by"],
                "properties": {key: {"type": "string", "pattern": r"\S"} for key in ("reason", "decided_by")},
            },
        }
    )

    decision: NotifyDecision | None = Field(
        default=None, description="Default: undecided. To withhold needs reason and decided_by."
    )
    reason: Text | None = None
    decided_by: Line | None = None
    decided_at: Instant | None = None


class Person(Wire):
    """Known again by role and name: an update that repeats them without ``notify`` keeps the decision on record."""

    role: PersonRole
    name: Name
    parental_responsibility: bool | None = Field(default=None, description="Default: true for a parent.")
    suspected_abductor: bool | None = None
    email: Line | None = None
    phone: Line | None = None
    address: Text | None = None
    notify: Notify | None = None


People = Annotated[list[Person], Field(max_length=50)]


class ReportedData(Wire):
    """A new episode: the child is missing, or away without authorisation."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"child": _both(looked_after=True)}},
            "then": {
                "properties": {
                    "placement": {
                        "required": ["responsible_authority"],
                        "properties": {"responsible_authority": {"type": "string"}},
                    }
                }
            },
        }
    )

    episode: EpisodeReport
    child: ChildReport
    placement: PlacementReport
    school: School | None = None
    people: People | None = None
    form: Form | None = None


class UpdatedData(Wire):
    """New facts: only what changed is sent, and it is merged. ``people`` replaces the whole list; null clears."""

    episode: EpisodeChange
    child: ChildChange = _UNSENT
    placement: PlacementChange = _UNSENT
    school: School | None = None
    people: People | None = None
    form: Form | None = None


class Found(Wire):
    at: Instant | None = Field(default=None, description="Default: the event's time.")
    place: Text | None = None
    by: FoundBy | None = None
    safe: bool | None = Field(
        default=None, description="false: parents and carers are told in person, not by a notice."
    )
    location_may_be_shared: bool | None = None


class FoundData(Wire):
    """Whereabouts established, child not yet back."""

    episode: EpisodeRef
    found: Found


class Returned(Wire):
    at: Instant | None = Field(default=None, description="Default: the event's time.")
    to: ReturnedTo | None = None
    brought_by: BroughtBy | None = None
    harm_suspected: bool | None = None
    crime_alleged: bool | None = None
    concerns: Text | None = None


class ReturnedData(Wire):
    """The child is back at the placement or home, or at another agreed safe place."""

    episode: EpisodeRef
    returned: Returned


class RetractedData(Wire):
    """Reported in error: this was never an episode."""

    episode: EpisodeRef
    reason: Reason


class DutyData(Wire):
    """Somebody did one of the timed duties, with its outcome."""

    episode: EpisodeRef
    duty: Line
    outcome: DutyOutcome
    at: Instant | None = Field(default=None, description="Default: the event's time.")
    by: Line | None = None
    note: Text | None = None
    circulate: Annotated[list[Circulation], Field(max_length=2)] | None = Field(
        default=None,
        description="Only with a strategy discussion that decided to circulate the child's details.",
    )


class Envelope(BaseModel):
    """CloudEvents 1.0, structured mode. No attribute outside ``data`` may identify a child."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"]
    id: Reference = Field(description="Unique per source; with source the idempotency key, remembered for ever.")
    source: UriReference = Field(
        description="URI-reference of the sending system; must match the authenticated sender."
    )
    type: str
    time: Instant = Field(description="When it happened in the world, not when it was sent.")
    subject: Reference | None = Field(default=None, description="The episode reference.")
    datacontenttype: JsonType | None = None
    dataschema: UriReference | None = None
    arrives: Instant | None = Field(default=None, description="When it reaches the hub; read by simulate only.")


DATA_MODELS: Final[dict[str, type[Wire]]] = {
    "fingerpost.episode.reported.v1": ReportedData,
    "fingerpost.episode.updated.v1": UpdatedData,
    "fingerpost.episode.found.v1": FoundData,
    "fingerpost.episode.returned.v1": ReturnedData,
    "fingerpost.episode.retracted.v1": RetractedData,
    "fingerpost.duty.completed.v1": DutyData,
}
"""The types of event, in the order of events.md."""
