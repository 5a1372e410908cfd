"""The layering check finds what it should find, and nothing else."""
import pathlib
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
import layering  # noqa: E402


def found(path, *includes):
    return list(layering.include_breaches(path, "".join(f"#include {i}\n" for i in includes)))


class Layering(unittest.TestCase):
    def test_allows_what_the_table_allows(self):
        self.assertEqual(found("ops/linear.cpp", '"kernels/cpu/linear.h"', '"tensor/tensor.h"', "<vector>"), [])
        self.assertEqual(found("cli/main.cpp", '"pipeline/transcribe.h"', "<CLI/CLI.hpp>", "<dnnl.hpp>"), [])
        self.assertEqual(found("kernels/cpu/a.cpp", '"kernels/cpu/b.h"', "<oneapi/dnnl/dnnl.hpp>"), [])
        self.assertEqual(found("audio/decode.cpp", "<libavformat/avformat.h>", "<soxr.h>"), [])

    def test_refuses_a_folder_above(self):
        self.assertEqual(len(found("base/file.cpp", '"tensor/dtype.h"')), 1)
        self.assertEqual(len(found("models/whisper/model.cpp", '"search/beam.h"')), 1)
        self.assertEqual(len(found("text/srt.cpp", '  "cli/main.h"')), 1)

    def test_refuses_a_neighbour(self):
        self.assertEqual(len(found("kernels/cpu/a.cpp", '"kernels/reference/a.h"')), 1)
        self.assertEqual(len(found("models/whisper/a.cpp", '"models/silero/a.h"')), 1)
        self.assertEqual(found("models/whisper/a.cpp", '"models/whisper/b.h"'), [])

    def test_keeps_third_party_headers_behind_their_folder(self):
        self.assertEqual(len(found("ops/linear.cpp", "<oneapi/dnnl/dnnl.hpp>")), 1)
        self.assertEqual(len(found("kernels/reference/linear.cpp", "<dnnl.hpp>")), 1)
        self.assertEqual(len(found("pipeline/transcribe.cpp", "<libavutil/log.h>")), 1)
        self.assertEqual(len(found("formats/json.cpp", '"nlohmann/json.hpp"')), 1)
        self.assertEqual(len(found("base/a.cpp", "<gtest/gtest.h>")), 1)

    def test_sees_a_test_nobody_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "tests/audio").mkdir(parents=True)
            (root / "tests/audio/log_mel_test.cpp").touch()
            (root / "tests/audio/CMakeLists.txt").write_text("maie_test(a SOURCES not_log_mel_test.cpp)")
            self.assertEqual(len(list(layering.unlisted_tests(root))), 1)
            (root / "tests/audio/CMakeLists.txt").write_text("maie_test(a SOURCES log_mel_test.cpp)")
            self.assertEqual(list(layering.unlisted_tests(root)), [])

    def test_wants_a_short_readme(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "src/base").mkdir(parents=True)
            (root / "src/base/file.h").touch()
            self.assertEqual(len(list(layering.readme_breaches(root))), 1)
            (root / "src/base/README.md").write_text("x\n" * 21)
            self.assertEqual(len(list(layering.readme_breaches(root))), 1)
            (root / "src/base/README.md").write_text("x\n" * 20)
            self.assertEqual(list(layering.readme_breaches(root)), [])


if __name__ == "__main__":
    unittest.main()
