#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "jobs/job.h"

namespace maie::server {

/// The features of a submission from the values of its form fields, in every dialect of
/// docs/spec/service.md, 1.5: repeated, comma separated, a JSON array, one in a Markdown fence, and
/// any mixture. Nothing given: clean_transcript, and summary where there is a template.
/// kInvalidInput names the unknown one.
Result<jobs::Features> features_of(const std::vector<std::string_view>& values, bool has_template);

/// The same of a JSON member: absent (null), a text, or a list of texts.
Result<jobs::Features> features_of(const Json& value, bool has_template);

}  // namespace maie::server
