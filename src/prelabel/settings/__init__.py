"""What an operator can set, and how it is read."""

from prelabel.settings.loading import load_settings, variables
from prelabel.settings.values import Settings

__all__ = ["Settings", "load_settings", "variables"]
