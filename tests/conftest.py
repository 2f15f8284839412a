"""What all tests share: how hypothesis searches."""

from hypothesis import HealthCheck, settings

# Time limits belong to benchmarks: on a busy machine they would fail tests that are right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
