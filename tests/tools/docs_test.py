"""The documents name files that exist, and their links lead somewhere."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The plan and the rules of writing name folders that will come; the specifications describe other programs.
ABOUT_THE_FUTURE = {"docs/design.md", "docs/style.md"}
# Written by a command, and committed only when there is something to keep.
MAY_BE_MISSING = {"bench/results/asr.json"}


def pages():
    for pattern in ("*.md", "docs/*.md", "docs/models/*.md", "samples/*.md", "models/**/*.md", "bench/*.md"):
        yield from sorted(ROOT.glob(pattern))


class Docs(unittest.TestCase):
    def test_named_files_exist(self):
        seen = 0
        for page in pages():
            if page.relative_to(ROOT).as_posix() in ABOUT_THE_FUTURE:
                continue
            text = page.read_text(encoding="utf-8")
            for name in re.findall(r"`((?:src|tests|tools|bench|samples|models|docs)/[\w./*-]+)`", text):
                seen += 1
                if name not in MAY_BE_MISSING:
                    with self.subTest(page=page.name, name=name):
                        self.assertTrue(any(ROOT.glob(name.rstrip("/"))), f"{page}: there is no {name}")
        self.assertGreater(seen, 20)

    def test_links_lead_somewhere(self):
        seen = 0
        for page in pages():
            for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
                if "://" in target:
                    continue
                seen += 1
                with self.subTest(page=page.name, target=target):
                    self.assertTrue((page.parent / target).exists(), f"{page}: the link {target} is dead")
        self.assertGreater(seen, 10)


if __name__ == "__main__":
    unittest.main()
