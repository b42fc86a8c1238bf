"""Holds that the police ask for: setting and lifting them, telling everybody who was told, and what stands."""
