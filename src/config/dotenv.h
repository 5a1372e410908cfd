#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace maie::config {

/// One line of a file of variables.
struct DotenvLine {
  std::string name, value;
};

/// NAME=value, a line each, as the older service read them: "export" in front, comments from "#",
/// single quotes around what is meant as it stands, double ones with \n, \t, \" and \\.
/// @param wrong  gets the numbers, from 1, of lines that are none
std::vector<DotenvLine> parse_dotenv(std::string_view text, std::vector<int>& wrong);

/// The variables of `.env.<profile>` and `.env` in a folder, as a source of their own: the first
/// file wins. Only names that begin with MAIE_ or APP_ count, since the file may belong to another
/// program as well. Empty where there is no such file.
/// @param profile  what ENVIRONMENT says; "prod" and "dev" count, any other word is development
/// @param warnings  gets a sentence about each line or file that cannot be read
SettingsSource dotenv_source(const std::string& folder, std::string_view profile,
                             std::vector<std::string>& warnings);

}  // namespace maie::config
