"""The settings of retention: how long what is kept, and how old a backup of the keys may be."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class RetentionSettings(BaseSettings):
    """After these times a child's data key is destroyed, and what no child's key seals is deleted."""

    retention_years: int = Field(
        6,
        ge=1,
        le=100,
        description="A child's details are erased so long after the child's last episode ended or was last heard of.",
    )
    retention_exercise_days: int = Field(
        90, ge=1, le=36_500, description="Likewise for a child of exercises and tests only (days)."
    )
    retention_quarantine_days: int = Field(
        365, ge=7, le=36_500, description="Bodies in quarantine are emptied so long after they came (days)."
    )
    retention_receipts_days: int = Field(
        90, ge=1, le=36_500, description="What came back and matched no notice is emptied after so long (days)."
    )
    retention_sessions_days: int = Field(
        30, ge=1, le=3_650, description="Sessions and links that are over are deleted after so long (days)."
    )
    erasure_deadline_days: int = Field(
        30,
        ge=1,
        le=365,
        description="No backup of the key store is kept longer: an erased child's key is gone from all of them by then "
        "(days).",
    )
    key_backups_folder: Path | None = Field(
        None,
        description="Where `fingerpost keys backup` writes. The hub raises an alarm while anything in it is older than "
        "the deadline.",
    )
