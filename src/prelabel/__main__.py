"""``python -m prelabel`` is ``prelabel``."""

from prelabel.cli.main import main

if __name__ == "__main__":
    main()
