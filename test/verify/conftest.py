"""The verifier's modules lie flat in verify/, as they do when it runs."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "verify"))
