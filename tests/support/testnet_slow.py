"""A module whose import takes longer than any test; it says in a file that it has begun."""

import os
import time
from pathlib import Path

Path(os.environ["AINUR_TEST_MARK"]).touch()
time.sleep(3_600)
