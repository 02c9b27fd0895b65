"""What the tests of the harness share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import sshd
from sshd import Sshd
from stubs import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small catalogue, no baselines, and a place for stub programs."""
    return World(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    """An sshd; the test is skipped where that cannot be."""
    with tempfile.TemporaryDirectory(prefix="ipck-test-") as folder:
        running = sshd.start(Path(folder))
        yield running
        running.stop()
