"""What an operator can set, and how it is read."""

from prelabel.settings.loading import load_settings
from prelabel.settings.values import Settings, variables

__all__ = ["Settings", "load_settings", "variables"]
