"""Whose a child is, where a desk has said that it is not theirs."""
