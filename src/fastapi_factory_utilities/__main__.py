"""`python -m fastapi_factory_utilities`: the command line."""

import sys

from fastapi_factory_utilities.cli import main

sys.exit(main())
