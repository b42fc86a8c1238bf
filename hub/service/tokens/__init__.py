"""API tokens: made, rotated, revoked, warned of before they end."""
