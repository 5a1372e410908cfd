#!/usr/bin/env python3
"""Checks that the tree keeps the rules of docs/style.md that a machine can see. Prints each breach; status 1 if any.

    tools/layering.py [ROOT]

1. Who may include whom: the `#include "folder/..."` lines in src/ against the table below.
2. Third-party headers stay behind the folders that own them.
3. Every tests/**/*_test.cpp, *_test.py and *_fuzz.cpp is named in a CMakeLists.txt at or above it.
4. Every folder of src/ with sources has a README.md of at most 20 lines; a folder within may lean on its parent's.
"""
import pathlib
import re
import sys

# A folder and what it may include beside itself. The same table stands in docs/style.md. A folder is the first part of
# the path below src/; for the folders in SPLIT it is the first two, and those never include their neighbours.
MAY_INCLUDE = {
    "base": "",
    "tensor": "base",
    "kernels": "tensor base",
    "ops": "kernels tensor base",
    "formats": "tensor base",
    "audio": "tensor base",
    "text": "formats base",
    "prompt": "text base",
    "grammar": "text base",
    "models": "ops formats tensor base",
    "search": "ops text tensor base",
    "speaker": "tensor base",
    "net": "base",
    "store": "net formats base",
    "llm": "models search grammar prompt text ops formats tensor net base",
    "summary": "llm grammar prompt text base",
    "pipeline": "models search llm summary grammar prompt speaker audio text ops formats tensor base",
    "config": "base",
    "queue": "base",
    "jobs": "pipeline summary llm queue config search text tensor base",
    "worker": "jobs pipeline summary llm models queue config store net audio text tensor base",
    "server": "worker jobs pipeline summary llm grammar queue config store net text tensor base",
}
EVERYTHING = {"cli"}  # where the parts are put together, and asked for their versions
SPLIT = {"kernels", "models"}

# The beginning of a third-party header's name, and the folders that may include it.
OWNERS = {
    "dnnl": "kernels/cpu",
    "oneapi/dnnl/": "kernels/cpu",
    "hwy/": "kernels audio search",
    "cuda": "kernels/cuda tensor/cuda",
    "cublas": "kernels/cuda",
    "libav": "audio",
    "libswresample/": "audio",
    "soxr": "audio",
    "kissfft": "audio",
    "kiss_fft": "audio",
    "seccomp": "audio",
    "nlohmann/": "base",
    "spdlog/": "base",
    "openssl/": "base",
    "pcre2": "text",
    "utf8proc": "text prompt",
    "valijson/": "grammar",
    "curl/": "net",
    "CLI/": "",
    "boost/": "server",
    "prometheus/": "server",
    "sqlite3": "queue",
    "toml": "config",
    "gtest/": "",  # tests only
    "gmock/": "",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
SOURCES = {".h", ".cpp", ".cu", ".cuh"}


def folder_of(path):
    """The layering folder of a path below src/, as a tuple: ("base",), ("kernels", "cpu")."""
    parts = pathlib.PurePosixPath(path).parts
    return parts[:2] if parts[0] in SPLIT and len(parts) > 2 else parts[:1]


def include_breaches(path, text):
    """Sentences about the include lines of one file; `path` is below src/."""
    here = folder_of(path)
    for quoted, angled in INCLUDE.findall(text):
        name = quoted or angled
        first = name.split("/")[0]
        if quoted and (first in MAY_INCLUDE or first in EVERYTHING):
            there = folder_of(name)
            if here[0] in EVERYTHING:
                continue
            if first != here[0] and first not in MAY_INCLUDE[here[0]].split():
                yield f"src/{path}: {here[0]} may not include {name}"
            elif first == here[0] and len(there) == 2 and there != here:
                yield f"src/{path}: {'/'.join(here)} may not include its neighbour's {name}"
            continue
        for prefix, owners in OWNERS.items():
            if name.startswith(prefix) and here[0] not in EVERYTHING:
                if not any(("/" + "/".join(pathlib.PurePosixPath(path).parts)).startswith(f"/{owner}/")
                           for owner in owners.split()):
                    yield f"src/{path}: {name} belongs behind {owners or 'cli or tests'}"


def unlisted_tests(root):
    """Sentences about tests on disk that no CMakeLists.txt names."""
    for pattern in ("*_test.cpp", "*_test.py", "*_fuzz.cpp"):
        for test in sorted((root / "tests").rglob(pattern)):
            folder = test.parent
            while True:
                lists = folder / "CMakeLists.txt"
                name = re.escape(test.relative_to(folder).as_posix())
                if lists.exists() and re.search(rf"(?:^|[\s(\"]|CMAKE_CURRENT_SOURCE_DIR}}/){name}(?!\w)", lists.read_text()):
                    break
                if folder == root / "tests":
                    yield f"{test.relative_to(root)}: no CMakeLists.txt names it, so it never runs"
                    break
                folder = folder.parent


def readme_breaches(root):
    """Sentences about folders of src/ that hold sources and no short README.md."""
    folders = {f.parent for f in (root / "src").rglob("*") if f.suffix in SOURCES}
    for folder in sorted(folders):
        readme = folder / "README.md"
        if not readme.exists() and folder.parent != root / "src":
            readme = folder.parent / "README.md"  # kernels/README.md speaks for kernels/cpu as well
        if not readme.exists():
            yield f"{folder.relative_to(root)}: has no README.md"
        elif len(readme.read_text().splitlines()) > 20:
            yield f"{readme.relative_to(root)}: is longer than 20 lines"


def breaches(root):
    src = root / "src"
    for file in sorted(src.rglob("*")):
        if file.suffix not in SOURCES:
            continue
        path = file.relative_to(src).as_posix()
        folder = path.split("/")[0]
        if folder not in MAY_INCLUDE and folder not in EVERYTHING:
            yield f"src/{path}: the table in tools/layering.py does not know the folder {folder}"
            continue
        yield from include_breaches(path, file.read_text(encoding="utf-8"))
    for file in sorted((root / "include").rglob("*.h")):
        for quoted, angled in INCLUDE.findall(file.read_text(encoding="utf-8")):
            name = quoted or angled
            if "/" in name and not name.startswith("maie/"):
                yield f"{file.relative_to(root)}: {name}; public headers include only their own and the standard's"
    yield from unlisted_tests(root)
    yield from readme_breaches(root)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = list(breaches(root))
    for sentence in found:
        print(sentence)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
