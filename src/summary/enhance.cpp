#include "summary/enhance.h"

#include <algorithm>
#include <mutex>

#include "summary/answer.h"
#include "summary/budget.h"
#include "summary/messages.h"
#include "summary/parallel.h"
#include "summary/pieces.h"
#include "summary/realign.h"
#include "text/edit_distance.h"
#include "text/normalize.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

constexpr char kUserLine[] = "Text to enhance:\n";
constexpr int64_t kLeastPiece = 32;  // tokens; below that the context is too short for the job
constexpr double kMostPairs = 2e10;  // of characters, for an exact edit distance: a second or two

// What every request of one text has in common.
struct Job {
  const Transcript& transcript;
  const EnhanceOptions& options;
  const Control& control;
  llm::LanguageModel& model;
  std::string system;
  std::shared_ptr<const HallucinationList> phrases;
  std::vector<Fragment> fragments;
  std::vector<Range> pieces;
};

// What came of one piece.
struct Outcome {
  bool begun = false;
  Status status;                   // of the model
  std::string reason;              // why the answer, or that of a part, is not used
  std::vector<std::string> texts;  // of its fragments, where something was cleaned
};

// A failure that the next piece would meet as well.
bool is_lasting(const Status& status) {
  return !status.ok() && status.code() != Code::kInvalidInput;
}

Result<std::string> system_message(TemplateStore& templates, const llm::LanguageModelInfo& info) {
  if (const std::string* trained = trained_prompt(info, kEnhancementTemplate)) return *trained;
  MAIE_ASSIGN(const prompt::Template prompt, templates.prompt(kEnhancementTemplate));
  return prompt.render(Json::object());
}

Status cut(Job& job) {
  const auto count = [&](std::string_view text) { return job.model.count_tokens(text); };
  const int64_t context = context_of(job.model.info());
  MAIE_ASSIGN(const int64_t fixed, count(job.system + "\n" + kUserLine));
  // The largest prompt that leaves its whole answer room, less one part in twenty: tokens of
  // fragments do not quite add up to those of the piece.
  int64_t prompt = std::max<int64_t>(0, int64_t(double(context - 128 - 64) / 2.1));
  while (prompt > 0 && !leaves_room(Task::kEnhancement, prompt, context)) --prompt;
  const int64_t room = (prompt - fixed) * 19 / 20;
  if (room < kLeastPiece) {
    return invalid_input("Input exceeds model context: the prompt of " +
                         std::string(kEnhancementTemplate) + " has " + std::to_string(fixed) +
                         " tokens and the model holds " + std::to_string(context) +
                         ", which leaves no room for text; take a model with a longer context");
  }
  const int64_t most = std::clamp(job.options.piece_tokens, kLeastPiece, room);
  MAIE_ASSIGN(job.fragments, fragments(job.transcript, most, count));
  job.pieces = packed(job.fragments, most);
  return {};
}

std::vector<LabelledLine> lines_of(const Job& job, Range piece) {
  std::vector<LabelledLine> lines;
  for (size_t i = piece.first; i < piece.last; ++i) {
    const Fragment& fragment = job.fragments[i];
    lines.push_back({job.transcript.turns[fragment.turn].speaker, fragment.text});
  }
  return lines;
}

Result<llm::Request> request_for(const Job& job, const std::string& text) {
  llm::Request request;
  request.messages = {{"system", job.system}, {"user", kUserLine + text}};
  request.recurring_messages = 1;
  request.enable_thinking = false;
  request.sampling = job.options.sampling;
  MAIE_ASSIGN(const int64_t prompt, job.model.count_tokens(job.system + "\n" + kUserLine + text));
  MAIE_ASSIGN(request.max_tokens,
              tokens_to_ask(Task::kEnhancement, prompt, context_of(job.model.info()),
                            job.options.max_tokens));
  return request;
}

// Why an answer is not used, or the texts of the piece's fragments.
Result<std::vector<std::string>> use(const Job& job, Range piece, const llm::Completion& answer) {
  if (answer.finish == llm::Finish::kLength) {
    return invalid_input("the answer was cut off at its limit of tokens");
  }
  const std::string text = job.phrases->filter(clean_characters(enhanced_text(answer.text)));
  if (text.empty()) return invalid_input("the answer is empty");
  return realign(lines_of(job, piece), text, job.options.most_changed);
}

int64_t tokens_of(const Job& job, Range piece) {
  int64_t tokens = 0;
  for (size_t i = piece.first; i < piece.last; ++i) tokens += job.fragments[i].tokens;
  return tokens;
}

Outcome ask(const Job& job, Range piece, ModelUse& use_of_model, std::mutex& mutex,
            const std::function<void(double)>& progress);

// A piece whose answer cannot be used, once more in parts of half its size: small models lose their
// way in long texts. Parts that fail again stay raw, or are cut again by `ask`.
Outcome ask_in_parts(const Job& job, Range piece, Outcome whole, ModelUse& use_of_model,
                     std::mutex& mutex) {
  Transcript text{{}, job.transcript.lines};
  for (size_t i = piece.first; i < piece.last; ++i) {
    const Fragment& fragment = job.fragments[i];
    text.turns.push_back({job.transcript.turns[fragment.turn].speaker, fragment.start_s,
                          fragment.end_s, fragment.text});
  }
  EnhanceOptions options = job.options;
  options.piece_tokens = tokens_of(job, piece) / 2;
  Job halves{text, options, job.control, job.model, job.system, job.phrases, {}, {}};
  if (options.piece_tokens < kLeastPiece || !cut(halves).ok() || halves.pieces.size() < 2) {
    return whole;
  }
  Outcome out;
  out.begun = true;
  bool applied = false;
  std::vector<std::string> texts(text.turns.size());
  for (const Range part : halves.pieces) {
    const Outcome one = ask(halves, part, use_of_model, mutex, [](double) {});
    if (is_lasting(one.status)) return one;
    if (out.reason.empty()) out.reason = one.status.ok() ? one.reason : one.status.message();
    applied = applied || !one.texts.empty();
    for (size_t i = part.first; i < part.last; ++i) {
      const Fragment& fragment = halves.fragments[i];
      texts[fragment.turn] +=
          fragment.space + (one.texts.empty() ? fragment.text : one.texts[i - part.first]);
    }
  }
  if (applied) out.texts = std::move(texts);
  return out;
}

Outcome ask(const Job& job, Range piece, ModelUse& use_of_model, std::mutex& mutex,
            const std::function<void(double)>& progress) {
  Outcome out;
  out.begun = true;
  const std::string text = text_of(job.transcript, job.fragments, piece);
  if (text::normalize_for_scoring(text).empty()) {  // nothing to correct
    for (const LabelledLine& line : lines_of(job, piece)) out.texts.push_back(line.text);
    return out;
  }
  auto request = request_for(job, text);
  if (!request) {
    out.status = request.error();
    return out;
  }
  llm::Control control;
  control.cancel = job.control.cancel;
  control.stall_limit_s = job.control.stall_limit_s;
  // The answer is about as long as the text.
  const double expected = 1 + double(tokens_of(job, piece));
  control.on_progress = [&](const llm::Progress& now) {
    progress(std::min(0.95, double(now.answer_tokens) / (1.2 * expected)));
  };
  const auto answer = job.model.complete(*request, control);
  if (!answer) {
    out.status = answer.error();
    return out;
  }
  {
    const std::lock_guard lock(mutex);
    use_of_model.add(*request, answer->usage);
  }
  auto texts = use(job, piece, *answer);
  if (texts) {
    out.texts = std::move(*texts);
    return out;
  }
  out.reason = texts.error().message();
  return ask_in_parts(job, piece, std::move(out), use_of_model, mutex);
}

std::vector<Outcome> ask_all(const Job& job, ModelUse& use_of_model) {
  std::vector<double> weights;
  for (const Range piece : job.pieces) weights.push_back(1 + double(tokens_of(job, piece)));
  Meter meter(job.control.on_progress, weights);
  std::vector<Outcome> outcomes(job.pieces.size());
  std::mutex mutex;
  in_parallel(job.pieces.size(), job.options.parallel, [&](size_t i) {
    if (job.control.cancel && job.control.cancel->is_cancelled()) return false;
    outcomes[i] = ask(job, job.pieces[i], use_of_model, mutex,
                      [&](double fraction) { meter.set(i, fraction); });
    meter.set(i, 1);
    return !is_lasting(outcomes[i].status);
  });
  return outcomes;
}

// The state of the whole: stopped, the first failure of the model, or what could not be used.
Status state_of(const std::vector<Outcome>& outcomes, const Control& control) {
  if (control.cancel && control.cancel->is_cancelled()) return control.cancel->status();
  size_t unused = 0;
  bool in_part = false;  // something of them was cleaned
  std::string reason;
  for (const Outcome& outcome : outcomes) {
    if (is_lasting(outcome.status)) return outcome.status;
    if (outcome.begun && outcome.status.ok() && outcome.reason.empty()) continue;
    in_part = in_part || !outcome.texts.empty();
    if (unused++ == 0) reason = outcome.status.ok() ? outcome.reason : outcome.status.message();
  }
  if (unused == 0) return {};
  return unavailable(std::to_string(unused) + " of " + std::to_string(outcomes.size()) +
                     " pieces of the text stayed raw" + (in_part ? ", some in part" : "") +
                     "; the first because " + reason);
}

// Puts the pieces together again, clean where there is something clean.
void assemble(const Job& job, const std::vector<Outcome>& outcomes, Enhancement& out) {
  std::vector<std::string> texts(job.transcript.turns.size());
  for (size_t p = 0; p < job.pieces.size(); ++p) {
    const Range piece = job.pieces[p];
    const Outcome& outcome = outcomes[p];
    EnhancedPiece report;
    report.first_turn = job.fragments[piece.first].turn;
    report.last_turn = job.fragments[piece.last - 1].turn;
    report.applied = !outcome.texts.empty();
    report.reason = !outcome.status.ok() ? outcome.status.message()
                    : outcome.begun      ? outcome.reason
                                         : "not asked for";
    for (size_t i = piece.first; i < piece.last; ++i) {
      const Fragment& fragment = job.fragments[i];
      const std::string& text = report.applied ? outcome.texts[i - piece.first] : fragment.text;
      texts[fragment.turn] += fragment.space + text;
      out.edit_distance += report.applied ? text::edit_distance(fragment.text, text) : 0;
    }
    out.applied = out.applied || report.applied;
    out.pieces.push_back(std::move(report));
  }
  for (size_t i = 0; i < texts.size(); ++i) out.transcript.turns[i].text = std::move(texts[i]);
}

void measure(Enhancement& out) {
  const double pairs = double(out.original.size()) * double(out.text.size());
  if (out.original == out.text) out.edit_distance = 0;
  if (out.edit_distance > 0 && pairs <= kMostPairs) {
    out.edit_distance = text::edit_distance(out.original, out.text);
  }
  out.edit_rate = text::edit_rate(out.edit_distance, out.original, out.text);
}

}  // namespace

Enhancement enhance(const Transcript& transcript, const EnhanceOptions& options,
                    TemplateStore& templates, llm::LanguageModel& model, const Control& control) {
  Enhancement out;
  out.model = model_use(model);
  out.transcript = transcript;
  out.original = out.text = to_text(transcript);
  auto clean = prepared(transcript);
  if (!clean) {
    out.state = clean.error();
    return out;
  }
  out.transcript = *clean;
  out.original = out.text = to_text(*clean);
  Job job{*clean, options, control, model, "", templates.hallucinations(), {}, {}};
  auto system = system_message(templates, model.info());
  out.state = system.status();
  if (out.state.ok()) {
    job.system = std::move(*system);
    out.state = cut(job);
  }
  if (!out.state.ok()) return out;
  const std::vector<Outcome> outcomes = ask_all(job, out.model);
  out.state = state_of(outcomes, control);
  assemble(job, outcomes, out);
  out.text = to_text(out.transcript);
  measure(out);
  return out;
}

bool needs_enhancement(bool clean_transcript_wanted, std::string_view recogniser) {
  constexpr std::string_view kWhisper = "whisper";
  const std::string_view front = recogniser.substr(0, kWhisper.size());
  const bool punctuates =
      std::equal(front.begin(), front.end(), kWhisper.begin(), kWhisper.end(),
                 [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); });
  return clean_transcript_wanted && !punctuates;
}

}  // namespace maie::summary
