"""Short versions of the rows of bench/service.py: what the machine does to the service, it survives."""
import argparse
import pathlib
import sys

import pytest

from running_service import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import service_faults  # noqa: E402

OPTIONS = argparse.Namespace(short=True, seed=20, build=pathlib.Path("build"))


@pytest.mark.parametrize("row", list(service_faults.FAULTS))
def test_fault(row):
    assert service_faults.FAULTS[row](OPTIONS)
