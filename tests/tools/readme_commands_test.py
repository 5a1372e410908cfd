"""Every `maie ...` command in the code blocks of README.md and docs/usage.md does what a reader would expect: it ends with
status 0. The commands of one page run in a folder of their own that looks like a clone (samples/ and models/ are there) and has the program on PATH.
MAIE_PROGRAM names the program.
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def commands(markdown):
    """The lines of ```sh blocks that call maie, comments cut off."""
    for block in re.findall(r"^```sh\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            line = re.sub(r"\s+#.*", "", line).strip()
            if re.search(r"(^|[|&;/]\s*)maie\s", line):
                yield line.replace("build/release/bin/maie", "maie")


class Readme(unittest.TestCase):
    def run_commands_of(self, page, at_least):
        program = pathlib.Path(os.environ["MAIE_PROGRAM"])
        found = list(commands((ROOT / page).read_text(encoding="utf-8")))
        self.assertGreaterEqual(len(found), at_least, f"{page} shows no commands")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("samples", "models"):
                os.symlink(ROOT / name, pathlib.Path(folder) / name)
            environment = dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}")
            for command in found:
                with self.subTest(command):
                    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment,
                                          capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_readme(self):
        self.run_commands_of("README.md", 3)

    def test_usage(self):
        self.run_commands_of("docs/usage.md", 2)


if __name__ == "__main__":
    unittest.main()
