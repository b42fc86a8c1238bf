"""What an operator can set: by environment (prefix ``FINGERPOST_``) or a TOML file, the environment winning.

Strict: an unknown or malformed setting stops the start, and all problems are told at once. What is allowed but risky
is warned of by name (:func:`risks`). Secrets are of types that cannot print.
"""

from hub.settings.load import Problem, SettingsError, load, wrong
from hub.settings.model import PREFIX, Settings
from hub.settings.risks import Risk, missing_for_serving, risks

__all__ = ["PREFIX", "Problem", "Risk", "Settings", "SettingsError", "load", "missing_for_serving", "risks", "wrong"]
