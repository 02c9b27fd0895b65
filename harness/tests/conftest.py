"""What the tests of the harness share."""

from pathlib import Path

import pytest

from stubs import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small catalogue, no baselines, and a place for stub programs."""
    return World(tmp_path)
