"""`python -m s2iammask_core`, for torchrun."""

import sys

from s2iammask_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
