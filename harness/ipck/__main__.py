"""`python3 -m ipck`."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
