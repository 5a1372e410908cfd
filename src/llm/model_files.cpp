#include "llm/model_files.h"

#include <algorithm>
#include <filesystem>

#include "base/guarded.h"
#include "formats/model_hash.h"
#include "formats/side_files.h"
#include "llm/model_side_files.h"
#include "text/gguf_vocabulary.h"

namespace maie::llm {
namespace {

namespace fs = std::filesystem;
using formats::Presence;
using formats::read_side_file;

Result<text::BpeTokenizer> tokenizer_of_folder(const std::string& folder) {
  MAIE_ASSIGN(const std::string json,
              read_side_file(folder, "tokenizer.json", Presence::kRequired));
  auto tokenizer = text::BpeTokenizer::from_tokenizer_json(json);
  if (!tokenizer.has_value()) return tokenizer.error().within(folder + "/tokenizer.json");
  return tokenizer;
}

Result<prompt::ChatTemplate> chat_of_folder(const std::string& folder,
                                            const std::string& tokenizer_config,
                                            const text::BpeTokenizer& tokenizer) {
  const std::string config = tokenizer_config.empty() ? "{}" : tokenizer_config;
  MAIE_ASSIGN(std::string source,
              read_side_file(folder, "chat_template.jinja", Presence::kOptional));
  auto chat = source.empty() ? prompt::ChatTemplate::from_tokenizer_config(config)
                             : prompt::ChatTemplate::from_tokenizer_config(config, source);
  if (!chat.has_value() && chat.error().code() == Code::kNotFound) {
    MAIE_ASSIGN(source, chat_source("", tokenizer, folder));
    chat = prompt::ChatTemplate::from_tokenizer_config(config, source);
  }
  if (!chat.has_value()) return chat.error().within(folder);
  return chat;
}

// The end token that tokenizer_config.json names, as a text or as an object that describes it.
void add_named_end(const std::string& tokenizer_config, const text::BpeTokenizer& tokenizer,
                   std::vector<int32_t>& ends) {
  const Result<Json> json = parse_json(tokenizer_config);
  if (!json.has_value() || !json->is_object()) return;
  const auto token = json->find("eos_token");
  if (token == json->end()) return;
  const std::string name =
      token->is_object() ? json_string(*token, "content", "") : json_string(*json, "eos_token", "");
  const auto id = tokenizer.token_to_id(name);
  if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
}

Status check_ids(const text::BpeTokenizer& tokenizer, const qwen3::Config& config,
                 const std::string& where) {
  if (tokenizer.size() <= config.vocabulary) return {};
  return corrupt(where + ": the vocabulary has ids up to " + std::to_string(tokenizer.size() - 1) +
                 ", and the model's embedding " + std::to_string(config.vocabulary) +
                 " rows; they are not of the same model");
}

// The name of a folder, or of a file without its ending; in the cache that other tools share
// (models--OWNER--NAME/snapshots/REVISION) the repository's.
std::string name_of(const std::string& path) {
  std::error_code failed;
  fs::path file = fs::absolute(path, failed).lexically_normal();
  if (failed) return path;
  if (!file.has_filename()) file = file.parent_path();
  if (file.extension() == ".gguf") return file.stem().string();
  const std::string repository = file.parent_path().parent_path().filename().string();
  if (file.parent_path().filename() != "snapshots" || !repository.starts_with("models--")) {
    return file.filename().string();
  }
  std::string name = repository.substr(std::string_view("models--").size());
  if (const size_t dashes = name.find("--"); dashes != name.npos) name.replace(dashes, 2, "/");
  return name;
}

Result<ModelFiles> open_folder(const std::string& folder) {
  MAIE_ASSIGN(auto weights, qwen3::Weights::open(folder));
  MAIE_ASSIGN(text::BpeTokenizer tokenizer, tokenizer_of_folder(folder));
  MAIE_TRY(check_ids(tokenizer, weights->config(), folder + "/tokenizer.json"));
  MAIE_ASSIGN(const std::string tokenizer_config,
              read_side_file(folder, "tokenizer_config.json", Presence::kOptional));
  MAIE_ASSIGN(prompt::ChatTemplate chat, chat_of_folder(folder, tokenizer_config, tokenizer));
  MAIE_ASSIGN(const std::string generation,
              read_side_file(folder, "generation_config.json", Presence::kOptional));
  MAIE_ASSIGN(const std::string prompts,
              read_side_file(folder, "prompts.json", Presence::kOptional));
  ModelFiles files{.path = folder,
                   .name = name_of(folder),
                   .source = "huggingface",
                   .quantization = weights->stored_type(),
                   .context = weights->config().context,
                   .weights = weights,
                   .tokenizer = std::move(tokenizer),
                   .chat = std::move(chat),
                   .end_tokens = {},
                   .begin_token = {},
                   .defaults = read_generation_defaults(generation),
                   .prompts = {},
                   .files = weights->files()};
  MAIE_ASSIGN(files.prompts, read_prompts(prompts, folder + "/prompts.json"));
  const std::vector<int>& ends = weights->config().end_tokens;
  files.end_tokens.assign(ends.begin(), ends.end());
  add_named_end(tokenizer_config, files.tokenizer, files.end_tokens);
  add_usual_end_tokens(files.tokenizer, files.end_tokens);
  return files;
}

Json special_tokens_of(const text::GgufVocabulary& vocabulary) {
  Json tokens = Json::object();
  const auto add = [&](const char* name, std::optional<int32_t> id) {
    if (id) tokens[name] = std::string(vocabulary.tokenizer.id_to_bytes(*id));
  };
  add("bos_token", vocabulary.bos);
  add("eos_token", vocabulary.eos);
  add("unk_token", vocabulary.unknown);
  add("pad_token", vocabulary.padding);
  return tokens;
}

Result<ModelFiles> open_gguf(const std::string& path) {
  MAIE_ASSIGN(auto weights, qwen3::Weights::open(path));
  MAIE_ASSIGN(text::GgufVocabulary vocabulary, text::read_gguf_vocabulary(*weights->gguf()));
  MAIE_TRY(check_ids(vocabulary.tokenizer, weights->config(), path));
  MAIE_ASSIGN(std::string source,
              chat_source(vocabulary.chat_template, vocabulary.tokenizer, path));
  auto chat = prompt::ChatTemplate::parse(std::move(source), special_tokens_of(vocabulary));
  if (!chat.has_value()) return chat.error().within(path);
  ModelFiles files{.path = path,
                   .name = name_of(path),
                   .source = "gguf",
                   .quantization = weights->stored_type(),
                   .context = weights->config().context,
                   .weights = weights,
                   .tokenizer = std::move(vocabulary.tokenizer),
                   .chat = std::move(*chat),
                   .end_tokens = std::move(vocabulary.ends),
                   .begin_token = vocabulary.add_bos ? vocabulary.bos : std::nullopt,
                   .defaults = {},
                   .prompts = {},
                   .files = weights->files()};
  add_usual_end_tokens(files.tokenizer, files.end_tokens);
  return files;
}

// What a folder is opened by: itself, or the one GGUF file in it.
Result<std::string> model_in(const std::string& folder) {
  std::error_code ignored;
  if (fs::exists(folder + "/config.json", ignored)) return folder;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".gguf") found.push_back(entry.path().string());
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return not_found(folder +
                     ": holds no language model; it needs config.json with"
                     " model.safetensors, or a GGUF file");
  }
  return invalid_input(folder + ": holds " + std::to_string(found.size()) +
                       " GGUF files; name one of them");
}

}  // namespace

std::string ModelFiles::checkpoint_hash() const {
  const std::string digest = formats::hash_of_files(files);
  return digest.empty() ? digest : "sha256:" + digest;
}

Result<ModelFiles> open_language_model_files(const std::string& path) {
  return guarded([&]() -> Result<ModelFiles> {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      return not_found(path + ": no such model; name the folder of one, or a GGUF file");
    }
    std::string model = path;
    if (fs::is_directory(path, ignored)) {
      MAIE_ASSIGN(model, model_in(path));
    } else if (fs::path(path).filename() == "config.json" ||
               fs::path(path).extension() == ".safetensors") {
      // Whoever names a file inside a model's folder means the model.
      model = fs::absolute(path, ignored).parent_path().string();
    }
    return fs::is_directory(model, ignored) ? open_folder(model) : open_gguf(model);
  });
}

}  // namespace maie::llm
