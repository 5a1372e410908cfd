"""Short versions of the rows of bench/service.py that put load on the service or kill it."""
import argparse
import pathlib
import sys

import pytest

from running_service import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import service  # noqa: E402

OPTIONS = argparse.Namespace(short=True, seed=20, build=pathlib.Path("build"))


# `soak` needs more tasks than a test has time for; `make bench-service` runs it.
@pytest.mark.parametrize("row", ["kills", "watchers", "uploads", "submit"])
def test_load(row):
    assert service.ROWS[row](OPTIONS)
