"""``python -m stepscape``: the command line."""

import sys

from stepscape.cli import main

sys.exit(main())
