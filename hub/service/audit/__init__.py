"""The audit log: its chain, its checkpoints, and how it is read."""
