#pragma once

#include <vector>

#include "summary/merge.h"
#include "summary/summarise.h"

namespace maie::summary {

/// Fills `summary.sources` for the list items in `origins`: the passage of their parts that they
/// share words with, else the part, where there are several.
void find_sources(const Transcript& transcript, const std::vector<Origin>& origins,
                  Summary& summary);

/// Takes the participants of a meeting_notes_v2 summary out whose names are not in the transcript,
/// and their entries in `origins`; other templates stay as they are.
void drop_unnamed_participants(const Transcript& transcript, Summary& summary,
                               std::vector<Origin>& origins);

}  // namespace maie::summary
