#include "cli/version.h"

namespace maie::cli {

const std::string_view kVersion = MAIE_VERSION;

}  // namespace maie::cli
