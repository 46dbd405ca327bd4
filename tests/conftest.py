"""What every test shares: how hard Hypothesis tries, chosen by ``HYPOTHESIS_PROFILE``."""

import os

from hypothesis import HealthCheck, settings

# No deadline anywhere: a test never judges speed, and this machine may be busy.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=100, **_COMMON)
settings.register_profile("ci", max_examples=300, derandomize=True, **_COMMON)
settings.register_profile("nightly", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
