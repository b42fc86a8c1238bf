"""The audit log, for those who may see it."""
