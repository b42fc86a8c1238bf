"""The page on which the police set and lift holds."""
