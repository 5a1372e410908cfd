#include "llm/remote_model.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "grammar/validate.h"
#include "llm/remote_answer.h"
#include "text/utf8.h"

namespace maie::llm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxSchemasKnown = 256;  // what was learned of more is learned anew

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The document in a text: models put it into a Markdown fence where nothing constrains them.
std::string_view without_fence(std::string_view text) {
  text = text::strip(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return text;
  return text::strip(text.substr(line_end, text.size() - 3 - line_end));
}

Result<Json> readable_schema(const Request& request) {
  Result<Json> schema = parse_json(request.schema);
  if (!schema) return invalid_input("the schema of the answer: " + schema.error().message());
  if (!schema->is_object() && !schema->is_boolean()) {
    return invalid_input("the schema of the answer is no JSON Schema: neither object nor boolean");
  }
  // Now rather than after the answer.
  MAIE_TRY(grammar::validate(*schema, Json()).status());
  return schema;
}

}  // namespace

// How one exchange went.
struct RemoteModel::Attempt {
  Status status;
  Completion completion;  // with an ok status
  std::string refusal;    // the server's words, where it may refuse the request (400, 422, 500)
  bool again = false;     // nothing was delivered and another attempt may do better
  std::optional<double> asked_s;  // how long the server wants to be left alone
};

RemoteShape RemoteModel::shape_for(const std::string& schema) {
  const std::lock_guard lock(mutex_);
  RemoteShape shape;
  shape.left_out = left_out_;
  if (options_.schema_way != SchemaWay::kAuto) {
    shape.way = options_.schema_way;
  } else if (const auto known = ways_.find(schema); known != ways_.end()) {
    shape.way = known->second;
    shape.schema_in_prompt = true;  // many servers pass over fields that they do not know
  }
  return shape;
}

// Learns from a refusal; false when there is nothing to be left out. Every true makes the next body
// smaller or its way of telling the schema a later one, so the caller's loop ends.
bool RemoteModel::adapt(const std::string& schema, const RemoteShape& shape, const Json& body,
                        const std::string& message) {
  if (!schema.empty() && options_.schema_way == SchemaWay::kAuto &&
      refuses_schema(message, shape.way)) {
    const SchemaWay next = next_way(shape.way);
    {
      const std::lock_guard lock(mutex_);
      if (ways_.size() >= kMaxSchemasKnown) ways_.clear();
      SchemaWay& known = ways_[schema];
      if (known >= next) return true;  // another thread was told so before
      known = next;
    }
    log_warning(place_ +
                ": refuses this way of telling it a schema, another one is taken from now "
                "on; answers are validated as always (" +
                without_key(message) + ")");
    return true;
  }
  const std::string field = refused_field(message, body);
  if (field.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!left_out_.insert(field).second) return true;
  }
  log_warning(place_ + ": refuses \"" + field + "\", which is left out from now on (" +
              without_key(message) + ")");
  return true;
}

RemoteModel::Attempt RemoteModel::attempt(const Json& body, const Request& request,
                                          const Control& control) {
  net::HttpRequest http = request_to(options_.base_url + "/chat/completions");
  http.method = "POST";
  http.headers.emplace_back("Content-Type", "application/json");
  http.headers.emplace_back("Accept", "text/event-stream, application/json");
  http.body = to_line(body);
  http.stall_limit_s = control.stall_limit_s;
  // Around a token of a few bytes an event has some hundred more.
  http.max_body_bytes = uint64_t{64} * options_.max_answer_bytes;

  RemoteAnswer answer({.place = place_,
                       .stops = request.stops,
                       .max_text_bytes = options_.max_answer_bytes,
                       .on_text = control.on_text,
                       .on_progress = control.on_progress});
  net::HttpFailure failure;
  const Result<net::HttpResponse> response = http_.send(
      http, control.cancel,
      [&](const net::HttpResponse& head, std::string_view piece) {
        return answer.take(head, piece);
      },
      &failure);

  Attempt out;
  if (control.cancel != nullptr && control.cancel->is_cancelled() && !answer.complete()) {
    out.status = control.cancel->status();
    return out;
  }
  if (response && !response->ok()) {
    out.status = failure_of(*response);
    out.again = net::may_pass(response->status);
    out.asked_s = net::asked_pause_s(*response, std::time(nullptr));
    // llama-cpp-python answers 500 to a field that it does not understand.
    if (response->status == 400 || response->status == 422 || response->status == 500) {
      out.refusal = error_sentence(response->body);
    }
    return out;
  }
  // That the receiver wants no more is no failure here; and what the answer itself says about its
  // fault tells more than how the connection ended.
  if (!response && failure != net::HttpFailure::kCancelled) {
    out.status = response.error();
    out.again = !answer.delivered() &&
                (failure == net::HttpFailure::kConnect || failure == net::HttpFailure::kBroken);
    return out;
  }
  Result<Completion> completion = answer.finish();
  if (completion) {
    out.completion = std::move(*completion);
  } else {
    out.status = Status(completion.error().code(), without_key(completion.error().message()));
    out.again = answer.may_pass() && !answer.delivered();
  }
  return out;
}

Result<Completion> RemoteModel::complete(const Request& request, const Control& control) {
  const Clock::time_point start = Clock::now();
  if (request.messages.empty()) return invalid_input("a request without messages");
  Json schema;
  if (!request.schema.empty()) {
    MAIE_ASSIGN(schema, readable_schema(request));
  }
  for (int tries = 1;;) {
    if (control.cancel != nullptr) MAIE_TRY(control.cancel->status());
    const RemoteShape shape = shape_for(request.schema);
    const Json body = chat_body(request, schema, info_.name, shape);
    const double before_s = seconds_since(start);
    Attempt now = attempt(body, request, control);
    if (now.status.ok()) {
      now.completion.usage.first_token_s += before_s;
      now.completion.usage.total_s = seconds_since(start);
      if (!schema.is_null()) MAIE_TRY(checked(now.completion, request, schema));
      return std::move(now.completion);
    }
    if (!now.refusal.empty() && adapt(request.schema, shape, body, now.refusal)) continue;
    if (!now.again) return now.status;
    const double pause_s = now.asked_s.value_or(backoff_.pause_s(tries));
    if (tries >= options_.attempts || pause_s > options_.longest_pause_s) {
      std::string message = now.status.message();
      if (tries > 1) message += " (after " + std::to_string(tries) + " attempts)";
      if (pause_s > options_.longest_pause_s) {
        message += "; the server asks to come back in " + std::to_string(int64_t(pause_s)) + " s";
      }
      return Status(now.status.code(), message);
    }
    log_debug(now.status.message() + "; attempt " + std::to_string(tries + 1) + " follows");
    MAIE_TRY(net::pause(pause_s, control.cancel));
    ++tries;
  }
}

// Puts the document alone into `completion`, or says what is wrong with it.
Status RemoteModel::checked(Completion& completion, const Request& request,
                            const Json& schema) const {
  const std::string what =
      place_ + ": the answer of " + info_.name +
      (request.schema_name.empty() ? "" : " for " + one_line(request.schema_name));
  const std::string cut = completion.finish == Finish::kLength
                              ? "; it was cut at the bound of tokens, allow more (max_tokens)"
                              : "; ask again";
  const std::string_view text = without_fence(completion.text);
  if (text.empty()) return unavailable(what + " is empty" + cut);
  const Result<Json> document = parse_json(text);
  if (!document) {
    return unavailable(what + " is not JSON (" + document.error().message() + ")" + cut);
  }
  MAIE_ASSIGN(const auto violations, grammar::validate(schema, *document, 1));
  if (!violations.empty()) {
    const std::string& pointer = violations[0].pointer;
    return unavailable(what + " does not keep the schema: " +
                       (pointer.empty() ? "the document" : one_line(pointer)) + ": " +
                       one_line(violations[0].what) + cut);
  }
  completion.text = std::string(text);
  return {};
}

}  // namespace maie::llm
