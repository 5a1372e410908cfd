"""Finds espeak-ng, also on a machine where it cannot be installed.

`python3 -m training.speech.unpack --collect` downloads the Debian packages espeak-ng needs into
`build/device/debs` (Debian or Ubuntu, network needed). On a machine without network `find()` unpacks them
into a temporary folder. The library that plays sound (libpcaudio) would pull in half a desktop and is never
used here, so a stub with its eight functions, compiled by gcc, takes its place.
"""

from __future__ import annotations

import argparse
import ctypes.util
import fcntl
import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("espeak-ng-data", "libespeak-ng1", "libsonic0")
DEBS = Path("build/device/debs")
_STUB = "libpcaudio.so.0"
_STUB_FUNCTIONS = (
    "create_audio_device_object",
    "audio_object_open",
    "audio_object_close",
    "audio_object_destroy",
    "audio_object_write",
    "audio_object_drain",
    "audio_object_flush",
    "audio_object_strerror",
)


@dataclass(frozen=True)
class Location:
    """The library, what must be loaded before it, and the folder with `espeak-ng-data` (None: built in)."""

    library: str
    dependencies: tuple[str, ...] = ()
    data: str | None = None


@functools.cache
def find() -> Location:
    """Where espeak-ng is; raises OSError with advice when it is nowhere."""
    if library := os.environ.get("MAIE_ESPEAK_LIBRARY"):
        return Location(library, data=os.environ.get("MAIE_ESPEAK_DATA"))
    if name := ctypes.util.find_library("espeak-ng"):
        return Location(name, data=os.environ.get("MAIE_ESPEAK_DATA"))
    if any(DEBS.glob("libespeak-ng1_*.deb")):
        return _from_packages(DEBS)
    raise OSError(f"no espeak-ng: install libespeak-ng1, or put its packages into {DEBS} (see {__name__})")


def _from_packages(folder: Path) -> Location:
    """Unpacks the .deb files of `folder` once per machine."""
    root = Path(tempfile.gettempdir()) / f"maie-espeak-{os.getuid()}"
    root.mkdir(exist_ok=True)
    with open(root / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # worker processes may come here together
        if not (root / "complete").exists():
            for package in sorted(folder.glob("*.deb")):
                subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
            _compile_stub(root)
            (root / "complete").touch()
    found = {path.name: path for path in sorted(root.rglob("*.so*"))}
    data = next(root.rglob("phontab")).parents[1]  # beside it lie dictionaries and voices
    dependencies = (str(found[_STUB]), str(found["libsonic.so.0"]))
    return Location(str(found["libespeak-ng.so.1"]), dependencies, str(data))


def _compile_stub(root: Path) -> None:
    source = root / "stub.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in _STUB_FUNCTIONS))
    target = root / _STUB
    command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{_STUB}", "-o", str(target), str(source)]
    subprocess.run(command, check=True)


def collect(folder: Path = DEBS) -> None:
    """Downloads the packages with apt-get."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collect", action="store_true", help=f"download the packages into {DEBS}")
    if parser.parse_args().collect:
        collect()
    print(find())
