#pragma once

#include <string>

namespace maie::http {

/// 32 hexadecimal digits from the system's random source: names that nobody can guess.
std::string random_id();

}  // namespace maie::http
