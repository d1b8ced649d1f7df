"""Settings for all tests."""

from hypothesis import HealthCheck, settings

# The same examples on every machine, and no wall-clock limits: machines that run the tests may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")
