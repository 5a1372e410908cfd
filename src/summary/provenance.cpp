#include "summary/provenance.h"

#include <algorithm>

#include "summary/sources.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

void add_source(const Origin& origin, const PassageFinder& finder, Summary& out) {
  const Json& item = out.value.at(Json::json_pointer(origin.pointer));
  Source source;
  source.pointer = origin.pointer;
  source.parts = origin.parts;
  std::optional<Passage> best;
  for (const size_t index : origin.parts) {
    const SummaryPart& part = out.parts[index];
    const auto found = finder.find(all_text(item), part.first_turn, part.last_turn);
    if (found && (!best || found->score > best->score)) best = found;
  }
  if (best) {
    source.first_turn = best->first_turn;
    source.last_turn = best->last_turn;
    source.start_s = best->start_s;
    source.end_s = best->end_s;
    source.score = best->score;
  } else {
    const SummaryPart& part = out.parts[origin.parts.front()];
    if (out.parts.size() == 1) return;  // the whole recording is no news
    source.first_turn = part.first_turn;
    source.last_turn = part.last_turn;
    source.start_s = part.start_s;
    source.end_s = part.end_s;
  }
  out.sources.push_back(std::move(source));
}

}  // namespace

void find_sources(const Transcript& transcript, const std::vector<Origin>& origins,
                  Summary& summary) {
  const PassageFinder finder(transcript);
  for (const Origin& origin : origins) add_source(origin, finder, summary);
}

void drop_unnamed_participants(const Transcript& transcript, Summary& summary,
                               std::vector<Origin>& origins) {
  constexpr char kField[] = "người_tham_gia";
  const auto names = summary.value.find(kField);
  if (summary.template_id != "meeting_notes_v2" || names == summary.value.end() ||
      !names->is_array())
    return;
  const std::string said = text::fold(to_text(transcript));
  Json kept = Json::array();
  std::vector<Origin> left;
  const std::string list = std::string("/") + kField + "/";
  for (size_t i = 0; i < names->size(); ++i) {
    if (said.find(text::fold(all_text((*names)[i]))) == std::string::npos) continue;
    for (const Origin& origin : origins) {
      if (origin.pointer != list + std::to_string(i)) continue;
      left.push_back({list + std::to_string(kept.size()), origin.parts});
    }
    kept.push_back((*names)[i]);
  }
  *names = std::move(kept);
  const auto first = std::find_if(origins.begin(), origins.end(), [&](const Origin& origin) {
    return origin.pointer.starts_with(list);
  });
  const auto place = first - origins.begin();
  std::erase_if(origins, [&](const Origin& o) { return o.pointer.starts_with(list); });
  origins.insert(origins.begin() + place, left.begin(), left.end());
}

Json to_json(const std::vector<Source>& sources) {
  Json out = Json::array();
  for (const Source& source : sources) {
    out.push_back({{"pointer", source.pointer},
                   {"start_s", source.start_s},
                   {"end_s", source.end_s},
                   {"first_turn", source.first_turn},
                   {"last_turn", source.last_turn},
                   {"parts", source.parts},
                   {"score", source.score}});
  }
  return out;
}

Json to_json(const std::vector<SummaryPart>& parts) {
  Json out = Json::array();
  for (const SummaryPart& part : parts) {
    out.push_back({{"first_turn", part.first_turn},
                   {"last_turn", part.last_turn},
                   {"start_s", part.start_s},
                   {"end_s", part.end_s},
                   {"state", part.state.ok() ? std::string("ok") : part.state.message()},
                   {"attempts", part.attempts},
                   {"items", part.items}});
  }
  return out;
}

}  // namespace maie::summary
