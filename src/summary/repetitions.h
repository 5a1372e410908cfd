#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"

namespace maie::summary {

/// A value as repetitions are compared: texts without regard to case, composition (NFC) and the
/// amount of white space, objects without regard to the order of their members.
std::string key_of(const Json& value);

/// Takes out of the lists of a document, also of those within objects and lists, what an earlier
/// item of the same list says: models that lose their way write one item twenty times. Only texts
/// and objects with a text that the schema leaves free: of numbers, flags and choices (`enum`) two
/// may well be equal. A list keeps its minItems, and one whose places have rules of their own
/// stays.
/// @param schema    the document keeps it, before and after
/// @return how many items were taken out
size_t drop_repeated_items(const Json& schema, Json& document);

}  // namespace maie::summary
