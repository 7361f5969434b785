"""The model's command line; see `..contract`."""

import sys

from ..contract import main
from .data import holdout
from .train import train

sys.exit(main(train, holdout))
