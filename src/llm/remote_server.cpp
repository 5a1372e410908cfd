// What RemoteModel learns about its server, apart from the answers: models, context, tokens,
// errors.
#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "llm/remote_answer.h"
#include "llm/remote_model.h"
#include "net/url.h"
#include "text/utf8.h"

namespace maie::llm {
namespace {

constexpr int64_t kUsualContext = 32768;  // docs/spec/service.md, 7.2
constexpr double kShortLimitS = 30;       // of what takes a server no thought

Result<std::string> read_key(const RemoteOptions& options) {
  if (!options.api_key.empty()) return options.api_key;
  if (!options.api_key_env.empty()) {
    const char* value = std::getenv(options.api_key_env.c_str());
    if (value != nullptr && *value != '\0') return std::string(text::strip(value));
    if (options.api_key_file.empty()) {
      return invalid_input("the variable " + options.api_key_env +
                           ", which shall hold the key of the language model's server, is not set");
    }
  }
  if (options.api_key_file.empty()) return std::string();
  MAIE_ASSIGN(const std::string text, read_file(options.api_key_file, 64 << 10));
  const std::string key(text::strip(text));
  if (key.empty() || key.find_first_of("\r\n") != std::string::npos) {
    return invalid_input(options.api_key_file + ": shall hold the key in one line, nothing else");
  }
  return key;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 8); ++i) {
    out += (i > 0 ? ", " : "") + one_line(names[i]);
  }
  return names.size() > 8 ? out + ", ..." : out;
}

// Without slashes at its end; with /v1 where it has no path.
std::string tidy_base(const net::Url& url) {
  std::string text = url.text.substr(0, url.text.find_first_of("?#"));
  while (text.ends_with('/')) text.pop_back();
  const bool has_path = text.find('/', text.find("://") + 3) != std::string::npos;
  return has_path ? text : text + "/v1";
}

}  // namespace

bool is_remote(std::string_view path) {
  return path.starts_with("http://") || path.starts_with("https://");
}

Result<std::unique_ptr<RemoteModel>> RemoteModel::open(RemoteOptions options,
                                                       const CancelToken* cancel) {
  MAIE_ASSIGN(const net::Url url, net::parse_url(options.base_url));
  if (options.offline) {
    return unavailable(url.place() +
                       ": not asked, because offline mode opens no connection; name "
                       "a model on this machine instead");
  }
  if (options.base_url.find('@') != std::string::npos) {
    return invalid_input(url.place() +
                         ": a password does not belong into the address; use "
                         "--llm-key-env or --llm-key-file");
  }
  options.base_url = tidy_base(url);
  MAIE_ASSIGN(std::string key, read_key(options));
  if (!key.empty() && url.scheme == "http" && !url.is_this_machine()) {
    log_warning(url.place() + ": the key is sent without encryption; use https if you can");
  }
  std::unique_ptr<RemoteModel> model(new RemoteModel(std::move(options), std::move(key)));
  model->place_ = url.place();
  MAIE_TRY(model->learn(cancel));
  return model;
}

RemoteModel::RemoteModel(RemoteOptions options, std::string key)
    : options_(std::move(options)),
      key_(std::move(key)),
      root_(options_.base_url),
      http_({.connect_timeout_s = options_.connect_timeout_s}),
      backoff_(options_.first_pause_s, options_.longest_pause_s) {
  if (root_.ends_with("/v1")) root_.resize(root_.size() - 3);
  info_.source = "remote";
  info_.path = options_.base_url;
  info_.name = options_.model;
  info_.context = options_.context;
}

Status RemoteModel::learn(const CancelToken* cancel) {
  if (!options_.model.empty() && options_.context > 0) return {};
  MAIE_ASSIGN(const net::HttpResponse response, get(options_.base_url + "/models", cancel));
  Json models;
  if (response.ok()) {
    Result<Json> document = parse_json(text::repair_utf8(response.body));
    const auto data = document ? document->find("data") : Json::iterator();
    if (!document || !document->is_object() || data == document->end() || !data->is_array()) {
      return unavailable(place_ +
                         ": /models does not list models as an OpenAI-compatible server "
                         "does; is the address right, does it end in /v1?");
    }
    models = std::move(*data);
  } else if (response.status == 401 || response.status == 403 || net::may_pass(response.status)) {
    return failure_of(response);
  }  // others do without a list of models
  MAIE_TRY(choose_model(models));
  if (info_.context > 0) return {};
  for (const Json& model : models) {
    if (json_string(model, "id", "") == info_.name) info_.context = context_of(model, cancel);
  }
  if (info_.context <= 0) {
    info_.context = kUsualContext;
    log_info(place_ + ": does not tell the context of " + info_.name + "; " +
             std::to_string(kUsualContext) +
             " tokens are assumed; say so with --llm-context if it has fewer");
  }
  return {};
}

Status RemoteModel::choose_model(const Json& models) {
  for (const Json& model : models) {
    const std::string id = json_string(model, "id", "");
    if (!id.empty() && served_.size() < 1000) served_.push_back(id);
  }
  if (!info_.name.empty()) return {};
  if (served_.size() > 1) {
    return invalid_input(
        place_ + ": serves several models, choose one with --llm-name: " + list_of(served_));
  }
  info_.name = served_.empty() ? "default" : served_.front();
  return {};
}

// vLLM says it; llama.cpp lists what the model was trained for, and in /props what it was given.
int64_t RemoteModel::context_of(const Json& model, const CancelToken* cancel) {
  const int64_t told = json_int(model, "max_model_len", json_int(model, "context_length", 0));
  if (told > 0) return told;
  const auto meta = model.find("meta");
  if (meta == model.end() || !meta->is_object()) return 0;
  const int64_t trained = json_int(*meta, "n_ctx", json_int(*meta, "n_ctx_train", 0));
  const auto props = get(root_ + "/props", cancel);
  if (!props || !props->ok()) return trained;
  const auto document = parse_json(text::repair_utf8(props->body));
  if (!document) return trained;
  const auto settings = document->find("default_generation_settings");
  const int64_t given = settings == document->end() ? 0 : json_int(*settings, "n_ctx", 0);
  return given > 0 ? given : trained;
}

net::HttpRequest RemoteModel::request_to(const std::string& url) const {
  net::HttpRequest request{.url = url, .redirects = net::Redirects::kNone};
  if (!key_.empty()) request.headers.emplace_back("Authorization", "Bearer " + key_);
  return request;
}

// With the same patience as for answers.
Result<net::HttpResponse> RemoteModel::get(const std::string& url, const CancelToken* cancel) {
  net::HttpRequest request = request_to(url);
  request.stall_limit_s = kShortLimitS;
  for (int tries = 1;; ++tries) {
    net::HttpFailure failure;
    Result<net::HttpResponse> response = http_.send(request, cancel, {}, &failure);
    const bool again =
        response ? net::may_pass(response->status)
                 : failure == net::HttpFailure::kConnect || failure == net::HttpFailure::kBroken;
    double pause_s = backoff_.pause_s(tries);
    if (response) {
      pause_s = net::asked_pause_s(*response, std::time(nullptr)).value_or(pause_s);
    }
    if (!again || tries >= options_.attempts || pause_s > options_.longest_pause_s) return response;
    MAIE_TRY(net::pause(pause_s, cancel));
  }
}

Result<int64_t> RemoteModel::count_tokens(std::string_view text) {
  const Tokenizer known = tokenizer_;
  int64_t count = -1;
  if (known == Tokenizer::kUnknown || known == Tokenizer::kVllm) {
    count = ask_tokenizer(text, false);
    if (count >= 0) tokenizer_ = Tokenizer::kVllm;
  }
  if (count < 0 && tokenizer_ != Tokenizer::kVllm && known != Tokenizer::kNone) {
    count = ask_tokenizer(text, true);
    if (count >= 0) tokenizer_ = Tokenizer::kLlamaCpp;
  }
  return count >= 0 ? count : tokens_at_most(text);
}

// -1 when it does not say.
int64_t RemoteModel::ask_tokenizer(std::string_view text, bool as_llama_cpp) {
  net::HttpRequest request = request_to(root_ + "/tokenize");
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/json");
  request.stall_limit_s = kShortLimitS;
  request.body =
      as_llama_cpp
          ? to_line({{"content", text}, {"add_special", false}})
          : to_line({{"model", info_.name}, {"prompt", text}, {"add_special_tokens", false}});
  const auto response = http_.send(request);
  if (!response || net::may_pass(response->status)) return -1;
  const auto document = parse_json(text::repair_utf8(response->body));
  if (response->ok() && document && document->is_object()) {
    if (!as_llama_cpp) return json_int(*document, "count", -1);
    const auto tokens = document->find("tokens");
    if (tokens != document->end() && tokens->is_array()) return int64_t(tokens->size());
  }
  if (as_llama_cpp && tokenizer_ == Tokenizer::kUnknown) tokenizer_ = Tokenizer::kNone;
  return -1;
}

// A response that is not 2xx.
Status RemoteModel::failure_of(const net::HttpResponse& response) const {
  const std::string number = std::to_string(response.status);
  const std::string sentence = without_key(error_sentence(response.body));
  const std::string said = sentence.empty() ? "" : ": " + sentence;
  switch (response.status) {
    case 401:
    case 403: {
      // Not what it said: some servers repeat part of the key.
      const char* variable = std::getenv(options_.api_key_env.c_str());
      const bool from_variable = variable != nullptr && *variable != '\0';
      const std::string from = !options_.api_key.empty() ? "the setting"
                               : from_variable           ? options_.api_key_env
                                                         : options_.api_key_file;
      return permission_denied(
          place_ +
          (key_.empty()
               ? ": wants a key (" + number + "); name it with --llm-key-env or --llm-key-file"
               : ": refuses the key (" + number + "); check what " + from + " holds"));
    }
    case 404: {
      const bool about_model = sentence.find(info_.name) != std::string::npos ||
                               sentence.find("model") != std::string::npos;
      if (!about_model) {
        return not_found(place_ + ": has no " + options_.base_url.substr(root_.size()) +
                         "/chat/completions (404); is the address right, does it end in /v1?");
      }
      return not_found(place_ + ": has no model \"" + info_.name + "\" (404)" +
                       (served_.empty() ? said : "; it has " + list_of(served_)));
    }
    case 408:
    case 429: return unavailable(place_ + ": is too busy (" + number + said + "); try again later");
    case 413: return invalid_input(place_ + ": the request is too long for it (413" + said + ")");
    default: break;
  }
  if (response.status >= 300 && response.status < 400) {
    const auto to = net::parse_url(std::string(response.header("location")));
    return invalid_input(place_ + ": has moved (" + number + ")" +
                         (to ? "; it points to " + to->scheme + "://" + to->place() : "") +
                         "; set the address where it is now");
  }
  if (response.status >= 500) {
    return unavailable(place_ + ": failed (" + number + said + "); its log tells why");
  }
  return invalid_input(place_ + ": refuses the request (" + number + said + ")");
}

std::string RemoteModel::without_key(std::string text) const {
  if (key_.empty()) return text;
  for (size_t at = text.find(key_); at != std::string::npos; at = text.find(key_, at)) {
    text.replace(at, key_.size(), "***");
  }
  return text;
}

}  // namespace maie::llm
