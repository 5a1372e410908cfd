#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace maie::summary {

/// Text put behind an item, by its JSON pointer in the summary ("/quyết_định/0"): the time it comes
/// from, say. Empty for none.
using ItemNote = std::function<std::string(const std::string& pointer)>;

/// A summary as a page to read: the title as heading, a section a member in the order of the
/// summary, lists as bullets, lists of flat objects as tables. Members that are null or empty are
/// left out. Values are text and never markup: what Markdown or HTML would take for its own is
/// escaped. Sections are called what the schema's "title" of a member says, else the member's name.
/// @param schema  the template's; null for none
std::string to_markdown(const Json& summary, const Json& schema, const ItemNote& note = {});

/// One line of text, escaped so that Markdown and HTML show it as it is.
std::string markdown_text(std::string_view text);

}  // namespace maie::summary
