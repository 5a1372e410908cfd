#include "llm/remote_answer.h"

#include <algorithm>

#include "text/utf8.h"

namespace maie::llm {
namespace {

constexpr size_t kMaxEventBytes = 4 << 20;

// Bytes that are no UTF-8 would cost the whole answer; they become U+FFFD, as from our own model.
Result<Json> read(std::string_view text) { return parse_json(text::repair_utf8(text)); }

bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

}  // namespace

RemoteAnswer::RemoteAnswer(Options options)
    : options_(std::move(options)),
      events_([this](const net::ServerEvent& event) { return take_event(event); }, kMaxEventBytes),
      text_({.stops = options_.stops,
             .splits_thinking = true,
             .starts_thinking = false,
             .on_text = [this](std::string_view text) {
               if (!options_.on_text || text.empty()) return;
               delivered_ = true;
               options_.on_text(text);
             }}) {}

bool RemoteAnswer::fail(Status status, bool may_pass) {
  if (wrong_.ok()) {
    wrong_ = std::move(status);
    may_pass_ = may_pass;
  }
  return false;
}

// By the header where it says something, else by the first bytes.
void RemoteAnswer::find_form(const net::HttpResponse& head) {
  content_type_ = head.header("content-type");
  if (begins_with(content_type_, "text/event-stream")) {
    form_ = Form::kEvents;
  } else if (begins_with(content_type_, "application/json")) {
    form_ = Form::kJson;
  } else {
    const size_t first = document_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return;
    const std::string_view rest = std::string_view(document_).substr(first);
    if (rest.size() < 5 && begins_with("data:", rest)) return;  // not enough to tell
    form_ = rest.front() == '{'                                 ? Form::kJson
            : begins_with(rest, "data:") || rest.front() == ':' ? Form::kEvents
                                                                : Form::kStrange;
  }
}

bool RemoteAnswer::take(const net::HttpResponse& head, std::string_view piece) {
  if (!wrong_.ok() || done_) return false;
  std::string held;
  if (form_ == Form::kUnknown) {
    document_ += piece;
    find_form(head);
    if (form_ == Form::kEvents) {
      held.swap(document_);
      piece = held;
    }
  } else if (form_ == Form::kJson) {
    document_ += piece;
  }
  if (form_ == Form::kStrange) return false;
  // JSON may escape every byte of the text as six.
  if (document_.size() > 6 * options_.max_text_bytes + (1 << 20)) {
    return fail(resource_exhausted(options_.place + ": an endless answer is refused"));
  }
  if (form_ != Form::kEvents) return true;
  const Status fed = events_.feed(piece);
  if (!fed.ok()) return fail(fed.within(options_.place));
  return wrong_.ok() && !done_;
}

bool RemoteAnswer::take_event(const net::ServerEvent& event) {
  if (event.data == "[DONE]") {
    done_ = true;
    return false;
  }
  const Result<Json> chunk = read(event.data);
  if (!chunk || !chunk->is_object()) {
    return fail(unavailable(options_.place + ": an event of its stream is not JSON (" +
                            (chunk ? "no object" : chunk.error().message()) +
                            "); it is no OpenAI-compatible server, or something between changes "
                            "what it sends"));
  }
  if (!take_error(*chunk)) return false;
  const auto choices = chunk->find("choices");
  if (choices != chunk->end() && choices->is_array() && !choices->empty() &&
      !take_choice(choices->front(), "delta")) {
    return false;
  }
  if (const auto usage = chunk->find("usage"); usage != chunk->end()) take_usage(*usage);
  return true;
}

// `{"error": {...}}`, or vLLM's older `{"object": "error", "message": ...}`.
bool RemoteAnswer::take_error(const Json& document) {
  const auto error = document.find("error");
  const bool named = error != document.end() && !error->is_null();
  if (!named && json_string(document, "object", "") != "error") return true;
  const int64_t code = json_int(named ? *error : document, "code", 500);
  const std::string sentence = error_sentence_of(document);
  Status status = unavailable(options_.place + ": gave up the answer (" +
                              (sentence.empty() ? "without a reason" : sentence) + ")");
  const bool refused = code >= 400 && code < 500 && code != 408 && code != 429;
  return fail(refused ? invalid_input(status.message()) : status, !refused);
}

bool RemoteAnswer::take_choice(const Json& choice, const char* member) {
  if (!choice.is_object() || json_int(choice, "index", 0) != 0) return true;
  const auto part = choice.find(member);
  if (part != choice.end() && part->is_object() && !take_text(*part)) return false;
  finish_reason_ = json_string(choice, "finish_reason", finish_reason_);
  return true;
}

bool RemoteAnswer::take_text(const Json& part) {
  const std::string thought =
      json_string(part, "reasoning_content", json_string(part, "reasoning", ""));
  const std::string text = json_string(part, "content", "");
  if (thought.empty() && text.empty()) return true;
  if (pieces_++ == 0) {
    usage_.first_token_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  text_bytes_ += thought.size() + text.size();
  if (text_bytes_ > options_.max_text_bytes) {
    return fail(resource_exhausted(options_.place + ": an answer of more than " +
                                   std::to_string(options_.max_text_bytes) +
                                   " bytes is refused; ask for fewer tokens (max_tokens)"));
  }
  reasoning_ += thought;
  done_ = !text_.push(text);  // at a stop string that the server passed over
  if (done_) finish_reason_ = "stop";
  if (options_.on_progress) options_.on_progress({.answer_tokens = pieces_});
  return !done_;
}

void RemoteAnswer::take_usage(const Json& usage) {
  if (!usage.is_object()) return;
  usage_.prompt_tokens = std::max<int64_t>(0, json_int(usage, "prompt_tokens", 0));
  usage_.answer_tokens = std::max<int64_t>(0, json_int(usage, "completion_tokens", 0));
  const auto details = usage.find("prompt_tokens_details");
  if (details != usage.end() && details->is_object()) {
    usage_.cached_tokens = std::max<int64_t>(0, json_int(*details, "cached_tokens", 0));
  }
}

Result<Completion> RemoteAnswer::finish() {
  if (wrong_.ok() && document_.empty() && form_ == Form::kUnknown) {
    // So llama-cpp-python ends a stream when it meets an error before the first word.
    fail(unavailable(options_.place +
                     ": sent an empty answer; is the request too long for it? Its log tells why"));
  }
  if (wrong_.ok() && (form_ == Form::kStrange || form_ == Form::kUnknown)) {
    const std::string type = content_type_.substr(0, content_type_.find(';'));
    fail(unavailable(options_.place + ": answers with " +
                     (type.empty() ? "something else" : one_line(type)) +
                     " instead of a chat completion; is the address right, does it end in /v1?"));
  }
  if (form_ == Form::kJson && wrong_.ok()) {
    const Result<Json> document = read(document_);
    const Json none;
    const Json& body = document ? *document : none;
    const auto choices = body.find("choices");
    if (!body.is_object() ||
        (take_error(body) && (choices == body.end() || !choices->is_array() || choices->empty()))) {
      fail(unavailable(options_.place + ": its answer is not a chat completion (" +
                       (document ? "no choices" : document.error().message()) +
                       "); is it an OpenAI-compatible server?"));
    } else if (wrong_.ok()) {
      take_choice(choices->front(), "message");
      if (const auto usage = body.find("usage"); usage != body.end()) take_usage(*usage);
      done_ = true;
    }
  }
  if (wrong_.ok() && !done_ && finish_reason_.empty()) {
    fail(unavailable(options_.place + ": the stream ended before the answer did; try again"), true);
  }
  if (wrong_.ok() && (finish_reason_ == "abort" || finish_reason_ == "error")) {
    fail(unavailable(options_.place + ": gave up the answer"), true);
  }
  if (wrong_.ok() && finish_reason_ == "content_filter") {
    fail(unavailable(options_.place + ": withheld the answer (content_filter)"));
  }
  if (!wrong_.ok()) return wrong_;
  text_.finish();
  Completion out;
  out.text = text_.text();
  out.thinking = reasoning_ + text_.thinking();
  // Some chat templates put <think> into the prompt, and the server may leave the rest as it is.
  constexpr std::string_view kThinkEnd = "</think>";
  const size_t end = out.thinking.empty() ? out.text.find(kThinkEnd) : std::string::npos;
  if (end != std::string::npos) {
    out.thinking = out.text.substr(0, end);
    out.text = text::strip(std::string_view(out.text).substr(end + kThinkEnd.size()));
  }
  out.finish = finish_reason_ == "length" ? Finish::kLength : Finish::kStop;
  // A server that does not count sends about a token in each event.
  if (usage_.answer_tokens == 0) usage_.answer_tokens = pieces_;
  out.usage = usage_;
  return out;
}

std::string error_sentence_of(const Json& document) {
  Json found = document;
  for (const char* member : {"error", "message", "detail", "msg"}) {
    if (found.is_array() && !found.empty()) found = Json(found.front());
    if (!found.is_object()) break;
    const auto it = found.find(member);
    if (it != found.end() && !it->is_null()) found = Json(*it);
  }
  return found.is_string() ? one_line(found.get<std::string>()) : "";
}

std::string error_sentence(std::string_view body) {
  const Result<Json> document = read(body);
  return document ? error_sentence_of(*document) : "";
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (uint8_t(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (text.size() > 300) {
    text.resize(300);
    text.resize(300 - incomplete_utf8(text));
    text += "...";
  }
  return text;
}

}  // namespace maie::llm
