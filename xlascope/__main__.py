"""``python -m xlascope``."""

import sys

from xlascope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
