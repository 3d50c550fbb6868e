"""`python -m certtrust.cli`, where the program itself is not on the path."""

import sys

from .command_line import main

sys.exit(main())
