#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "store/hub_listing.h"

namespace maie::store {

/// Which files of a model are wanted.
struct FileChoice {
  std::string file = {};                  ///< this one alone; empty: see below
  std::vector<std::string> include = {};  ///< shell patterns on whole paths ('*' takes '/' too)
  std::vector<std::string> exclude = {};  ///< the same, left out of what was chosen
};

/// The files to fetch, sorted by path. Without a file and patterns those a program needs to run
/// the model: one form of its weights (safetensors, else CTranslate2, else a single GGUF or ggml
/// file), and at the top level *.json, *.jinja, *.txt of vocabularies and tokenizer.model. Pickles
/// (*.bin of PyTorch, *.pt, *.pth, *.ckpt, *.pkl) only by name or pattern.
///
/// kNotFound lists what there is when nothing fits, and when several files would do.
Result<std::vector<HubFile>> choose_files(const std::vector<HubFile>& files,
                                          const FileChoice& choice);

/// Whether such a file holds weights, by its name.
bool is_weight_file(std::string_view path);

}  // namespace maie::store
