#include "grammar/formats.h"

#include "grammar/regex.h"

namespace maie::grammar {
namespace {

// RFC 3339 full-date with the calendar's lengths of months; 29 February in leap years only.
std::string date() {
  const std::string leap =
      "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
  return "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|"
         "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" +
         leap + "-02-29)";
}

// RFC 3339 full-time; no leap seconds, at most six decimals.
std::string time() {
  return "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
         "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
}

}  // namespace

Result<CodePointDfa> format_dfa(const std::string& format) {
  if (format == "date") return compile_regex("^" + date() + "$");
  if (format == "time") return compile_regex("^" + time() + "$");
  if (format == "date-time") return compile_regex("^" + date() + "T" + time() + "$");
  if (format == "uuid") {
    return compile_regex("^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$");
  }
  if (format == "email") {
    // Dot-atoms and host names; quoted local parts and address literals are left out.
    const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
    return compile_regex("^" + atom + "(?:\\." + atom + ")*@" + label + "(?:\\." + label + ")*$");
  }
  return unsupported("the format \"" + format +
                     "\" is not known; use date, time, date-time, uuid, email, or a pattern");
}

}  // namespace maie::grammar
