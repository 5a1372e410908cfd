# The commands of a working day; each one does everything it needs first. The build itself is CMake's.
#
#   make build      the program, at build/release/bin/maie
#   make demo       from recordings to transcripts and a summary with models/mini, compared with what was said
#   make test       every test; the last lines are ctest's summary
#   make check      before a commit: format, layering, unit tests (tools/check)
#   make asan       every test under the address and undefined-behaviour sanitizers
#   make tsan       every test under the thread sanitizer
#   make fuzz       every fuzz target for FUZZ_SECONDS each (clang only)
#   make bench-asr  beside faster-whisper, same weights, same machine: build/bench/asr.json
#   make bench-llm  beside llama.cpp, same weights, same machine: build/bench/llm.json
#   make bench-service  load and faults of the service: build/bench/service.json
#   make install    to PREFIX (default /usr/local), DESTDIR is honoured
#   make clean      removes build/

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 10
JOBS ?= $(shell nproc)
TEST_JOBS ?= 2

RELEASE := build/release
MAIE := $(RELEASE)/bin/maie
SAMPLES := samples/meeting_en.flac samples/meeting_vi.flac samples/dictation.mp3

.PHONY: build demo test check asan tsan fuzz bench-asr bench-llm bench-service install clean
.DEFAULT_GOAL := build

build:
	@tools/install-packages build
	@cmake --preset release -DMAIE_TESTS=OFF
	@cmake --build $(RELEASE) --parallel $(JOBS) --target maie

demo: build
	@rm -rf build/demo
	$(MAIE) process $(SAMPLES) --model models/mini/asr --llm models/mini/lm --template meeting_notes_v2 \
	  --output-dir build/demo --overwrite
	@for sample in $(SAMPLES); do \
	  name=$$(basename $${sample%.*}); \
	  echo; echo "== $$sample: build/demo/$$name.txt (.srt, .vtt, .json and .md beside it)"; cat build/demo/$$name.txt; \
	  if command -v python3 >/dev/null; then \
	    tools/word_errors.py samples/$$name.txt build/demo/$$name.txt || exit 1; fi; \
	done
	@echo; echo "== the summary of samples/meeting_en.flac: build/demo/meeting_en.md"; cat build/demo/meeting_en.md

test:
	@tools/install-packages build test
	@cmake --preset release -DMAIE_TESTS=ON
	@cmake --build $(RELEASE) --parallel $(JOBS)
	@ctest --test-dir $(RELEASE) --output-on-failure --parallel $(TEST_JOBS)

check:
	@tools/install-packages build test
	@tools/check

asan tsan:
	@tools/install-packages build test
	@cmake --preset $@ -DMAIE_TESTS=ON
	@cmake --build build/$@ --parallel $(JOBS)
	@ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  TSAN_OPTIONS="halt_on_error=1 atexit_sleep_ms=0 suppressions=$(CURDIR)/tools/tsan.supp" \
	  ctest --test-dir build/$@ --output-on-failure --parallel $(TEST_JOBS)

fuzz:
	@tools/install-packages build
	@tools/fuzz $(FUZZ_SECONDS) $(JOBS)

bench-asr: build
	@tools/install-packages bench
	@tools/venv build/bench-venv bench/requirements.txt
	@build/bench-venv/bin/python bench/asr.py --maie $(MAIE)

bench-llm:
	@tools/install-packages build test bench
	@cmake --preset release -DMAIE_TESTS=ON
	@cmake --build $(RELEASE) --parallel $(JOBS) --target maie make_gguf
	@tools/venv build/bench-llm-venv bench/llm_requirements.txt
	@build/bench-llm-venv/bin/python bench/llm.py --maie $(MAIE) --make-gguf $(RELEASE)/bin/make_gguf

bench-service: build
	@tools/install-packages bench
	@tools/venv build/api-venv tests/api/requirements.txt
	@build/api-venv/bin/python bench/service.py

install: build
	@cmake --install $(RELEASE) --prefix $(PREFIX)

clean:
	rm -rf build
