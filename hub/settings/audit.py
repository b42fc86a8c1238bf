"""The settings of the audit log's second places."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class AuditSettings(BaseSettings):
    """Where signed checkpoints are kept besides. The keys that sign them are audit-*.key in the keys folder."""

    # the audit log
    audit_folder: Path | None = Field(
        None,
        description="Folder on another machine or disk that each checkpoint of the audit log is written to; it has to "
        "be there.",
    )
    audit_url: SecretStr | None = Field(
        None, description="https:// address that each checkpoint is posted to as JSON; any 2xx is a yes."
    )

    @field_validator("audit_url")
    @classmethod
    def _https(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("https://", "http://127.0.0.1:", "http://localhost:")
        ):
            raise ValueError("must start with https://")
        return value
