"""The README's numbers are those of bench/results, and the script that puts them there works."""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import readme_table  # noqa: E402

RESULT = {
    "machine": dict(cpu="A chip", threads=2, compute_type="int8", date="2026-01-02", peer="peer 1", commit="abc",
                    command="make bench-asr"),
    "rows": {"encode_small": dict(maie=0.6, peer=1.5, ratio=2.5, roof_fraction=0.914),
             "step_small": dict(maie=0.0061, peer=0.024, ratio=3.934, roof_fraction=None),
             "beam5_small": dict(error="no")},
}


class ReadmeTable(unittest.TestCase):
    def test_writes_each_measured_row(self):
        lines = readme_table.table(RESULT)
        self.assertIn("| Whisper small, encoder, one 30 s window | 0.60 s | 1.50 s | 2.50 | 91% |", lines)
        self.assertIn("| Whisper small, one greedy step | 6.1 ms | 24.0 ms | 3.93 |  |", lines)
        self.assertFalse(any("5 beams" in line for line in lines))
        self.assertIn("A chip, 2 threads, int8", lines[-1])

    def test_writes_the_language_models_rows(self):
        lines = readme_table.llm_table({
            "machine": dict(cpu="A chip", threads=2, date="2026-01-02", peer="peer 2", commit="abc", command="make bench-llm"),
            "rows": {"prefill": dict(maie=444.3, peer=173.5, ratio=2.561, roof_fraction=0.54), "decode": dict(error="no"),
                     "prefix": dict(times_faster=30.6)}})
        self.assertIn("| reading a prompt of 2,048 tokens | 444 tokens/s | 174 tokens/s | 2.56 | 54% |", lines)
        self.assertFalse(any("one sequence" in line for line in lines))
        self.assertIn("31 times faster", lines[-1])

    def test_replaces_only_what_lies_between_the_markers(self):
        readme = f"a\n{readme_table.BEGIN}\nold\n{readme_table.END}\nz\n"
        self.assertEqual(readme_table.with_table(readme, ["new"]),
                         f"a\n{readme_table.BEGIN}\nnew\n{readme_table.END}\nz\n")
        with self.assertRaises(SystemExit):
            readme_table.with_table("no markers", ["new"])

    def test_readme_holds_the_kept_result(self):
        check = subprocess.run([sys.executable, str(ROOT / "tools/readme_table.py"), "--check"],
                               capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout)


if __name__ == "__main__":
    unittest.main()
