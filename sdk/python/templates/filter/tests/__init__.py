"""Unit tests, natively: ``python3 -m unittest``."""

import sys
from pathlib import Path

_project = Path(__file__).parents[1]
# The SDK is in no registry yet: it lies in the project.
sys.path[:0] = [str(_project / "src"), str(_project / "sdk")]
