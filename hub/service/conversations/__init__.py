"""Conversations on an episode: who may take part, what they write to each other, and who has read it."""
