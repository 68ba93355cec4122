"""The names that model directories written for `label-studio-ml` import; served by prelabel.

Do not install the package ``label-studio-ml`` beside prelabel: both bring this folder.
"""

from prelabel import __version__

__all__ = ["__version__"]
