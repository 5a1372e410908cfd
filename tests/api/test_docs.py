"""The examples of docs/api.md, run as they stand against a service."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from running_service import ROOT

PAGE = ROOT / "docs" / "api.md"


def examples():
    text = PAGE.read_text() if PAGE.exists() else ""
    for number, block in enumerate(re.finditer(r"^```(sh|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)):
        yield pytest.param(block[1], block[2], id=f"{number}-{block[1]}-{block[2].split(maxsplit=3)[:2]}")


def test_the_page_has_examples():
    assert len(list(examples())) >= 6


@pytest.mark.parametrize("language,code", list(examples()))
def test_example(service, tmp_path, language, code):
    samples = tmp_path / "samples"
    samples.symlink_to(ROOT / "samples")
    environment = {**os.environ, "BASE": service.url, "KEY": service.key,
                   "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert pathlib.Path(PAGE).exists()
