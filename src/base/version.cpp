#include "base/version.h"

namespace maie {

const std::string_view kVersion = MAIE_VERSION;

}  // namespace maie
