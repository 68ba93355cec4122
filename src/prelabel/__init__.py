"""prelabel: the Label Studio backend that learns text classification while people label."""

__version__ = "0.1.0"
