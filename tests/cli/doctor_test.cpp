#include "cli/doctor.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

TEST(Machine, ReadsAnX86Processor) {
  const CpuInfo cpu = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu avx avx2 avx512f "
      "avx512_vnni avx512_bf16\n\n"
      "processor\t: 1\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu\n");
  EXPECT_EQ(cpu.model, "Some CPU @ 2.00GHz");
  EXPECT_EQ(cpu.features,
            std::vector<std::string>({"avx2", "avx512f", "avx512_vnni", "avx512_bf16"}));
}

TEST(Machine, ReadsAnArmProcessor) {
  const CpuInfo cpu =
      parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU part\t: 0xd42\n");
  EXPECT_EQ(cpu.model, "");
  EXPECT_EQ(cpu.features, std::vector<std::string>({"asimd", "asimdhp", "asimddp"}));
}

TEST(Machine, ReadsMemory) {
  const MemoryInfo memory = parse_meminfo(
      "MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:  500 kB\nSwapTotal: 20 kB\nSwapFree: "
      "x\n");
  EXPECT_EQ(memory.total, 1000u * 1024);
  EXPECT_EQ(memory.available, 500u * 1024);
  EXPECT_EQ(memory.swap_total, 20u * 1024);
  EXPECT_EQ(memory.swap_free, 0u);
  EXPECT_EQ(parse_meminfo("").total, 0u);
}

TEST(Machine, ReadsLibraryNames) {
  EXPECT_EQ(parse_library_name("libavcodec.so.59.37.100")->version, "59.37.100");
  EXPECT_EQ(parse_library_name("libavcodec.so.59.37.100")->name, "libavcodec");
  EXPECT_EQ(parse_library_name("libpcre2-8.so.0.11.2")->name, "libpcre2-8");
  EXPECT_EQ(parse_library_name("libx.so")->version, "");
  EXPECT_FALSE(parse_library_name("vdso").has_value());
  EXPECT_FALSE(parse_library_name("libx.sox").has_value());
}

TEST(Machine, SeesTheLibrariesOfThisProcess) {
  // Which ones depends on what the linker kept for this test program; SHA-256 is always in it.
  const std::vector<Library> libraries = loaded_libraries();
  ASSERT_FALSE(libraries.empty());
  for (const Library& library : libraries) EXPECT_NE(library.version, "") << library.name;
}

TEST(ModelSearch, FindsModelsAndSaysWhatIsWrongWithThem) {
  const TemporaryFolder folder;
  folder.write("models/half/model.safetensors", "cut");
  folder.write("models/half/config.json", "{}");
  folder.write("models/ct2/model.bin", "");
  folder.write("models/ggml-tiny.bin", "what");
  folder.write("models/silero/silero_vad.safetensors", "");
  folder.write("models/other/pytorch_model.bin", "");
  const std::vector<FoundModel> models = find_models({"", {folder.path("models")}});
  ASSERT_EQ(models.size(), 4u);
  const std::string kinds[] = {"ctranslate2", "ggml", "huggingface", "silero"};
  for (size_t i = 0; i < models.size(); ++i) {
    EXPECT_EQ(models[i].kind, kinds[i]);
    EXPECT_NE(models[i].problem, "") << models[i].path;
  }
}

TEST(ModelSearch, MiniModelOfTheProjectIsFoundUsable) {
  const std::vector<FoundModel> models = find_models({"", {MAIE_SOURCE_DIR "/models"}});
  bool usable = false;
  for (const FoundModel& model : models) {
    if (model.path != MAIE_SOURCE_DIR "/models/mini/asr") continue;
    EXPECT_EQ(model.problem, "");
    EXPECT_GT(model.size_bytes, 1'000'000u);
    usable = true;
  }
  EXPECT_TRUE(usable);
}

TEST(ModelSearch, DefaultIsTheChosenOneThenMini) {
  const TemporaryFolder folder;
  folder.write("a/mini/asr/config.json");
  folder.write("b/mini/asr/config.json");
  const std::vector<std::string> folders = {folder.path("none"), folder.path("a"),
                                            folder.path("b")};
  EXPECT_EQ(default_model({"", folders}).value(), folder.path("a/mini/asr"));
  EXPECT_EQ(default_model({folder.path("b"), folders}).value(), folder.path("b"));
  EXPECT_EQ(default_model({folder.path("gone"), folders}).error().code(), Code::kNotFound);
  EXPECT_EQ(default_model({"", {}}).error().code(), Code::kNotFound);
}

Findings healthy() {
  Findings found;
  found.cpu = {"Some CPU", {"avx2"}};
  found.cores = 2;
  found.memory = {uint64_t{8} << 30, uint64_t{4} << 30, 0, 0, {}};
  found.seccomp = true;
  found.models = {{"models/mini/asr", "huggingface", 1000, ""},
                  {"models/silero.safetensors", "silero", 10, ""}};
  return found;
}

TEST(Doctor, FindsNothingAgainstAHealthyMachine) {
  EXPECT_TRUE(reasons_against(healthy()).empty());
  EXPECT_TRUE(remarks_on(healthy()).empty());
  EXPECT_NE(to_report(healthy()).find("This machine is ready."), std::string::npos);
  EXPECT_EQ(to_json(healthy())["usable"], true);
}

TEST(Doctor, GivesEachReason) {
  Findings found = healthy();
  found.models[0].problem = "cut short";
  EXPECT_EQ(reasons_against(found).size(), 1u);
  EXPECT_NE(to_report(found).find("cut short"), std::string::npos);
  EXPECT_NE(to_report(found).find("This machine is not ready."), std::string::npos);
  found.models.clear();
  EXPECT_NE(reasons_against(found).at(0).find("no speech model was found"), std::string::npos);
  found.memory.limit = 1000;
  EXPECT_EQ(reasons_against(found).size(), 2u);
  EXPECT_EQ(to_json(found)["usable"], false);
}

TEST(Doctor, RemarksDoNotStopAnything) {
  Findings found = healthy();
  found.cpu.features.clear();
  found.seccomp = false;
  found.models.pop_back();
  EXPECT_EQ(remarks_on(found).size(), 3u);
  EXPECT_TRUE(reasons_against(found).empty());
}

}  // namespace
}  // namespace maie::cli
