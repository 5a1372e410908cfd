"""Short versions of the rows of bench/service.py: what the machine does to the service, it survives."""
import argparse
import pathlib
import sys

import pytest

from running_service import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import service_faults  # noqa: E402

OPTIONS = argparse.Namespace(short=True, seed=20, build=pathlib.Path("build"))


# The other rows take longer than a test may; `make bench-service` runs all of them.
@pytest.mark.parametrize("row", ["disk_full", "read_only", "db_locked"])
def test_fault(row):
    assert service_faults.FAULTS[row](OPTIONS)
