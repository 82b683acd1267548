"""The fixtures of tests/integration, and a Kafka Connect worker for the session."""
import importlib.util
import pathlib
import sys

import pytest

INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(INTEGRATION))

spec = importlib.util.spec_from_file_location("integration_conftest", INTEGRATION / "conftest.py")
integration = importlib.util.module_from_spec(spec)
spec.loader.exec_module(integration)
globals().update({name: value for name, value in vars(integration).items() if not name.startswith("__")})

from consumers import FLINK, JARS, PLUGINS, Connect  # noqa: E402


def pytest_sessionstart(session):
    for folder in (JARS, PLUGINS, FLINK):
        if not folder.exists():
            pytest.exit(f"{folder} is not there: deploy/deps.sh --only downstream", returncode=2)


@pytest.fixture(scope="session")
def connect(kafka):
    worker = Connect(kafka.bootstrap)
    worker.start()
    yield worker
    worker.close()
