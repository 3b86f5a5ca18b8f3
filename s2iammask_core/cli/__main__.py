"""`python -m s2iammask_core.cli` is the command `s2iammask`, where that is not on the path."""

from s2iammask_core.cli import main

raise SystemExit(main())
