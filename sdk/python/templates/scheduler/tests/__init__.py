"""Unit tests, natively: ``python3 -m unittest``."""

import sys
from pathlib import Path

# The SDK is in no registry yet: it lies in this project.
sys.path.insert(0, str(Path(__file__).parents[1] / "sdk"))
