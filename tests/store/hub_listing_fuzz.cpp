// libFuzzer: whatever a hub answers, a listing holds only names that may become paths, and tags
// that are hashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "store/hub_listing.h"
#include "store/model_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maie::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_revision(text);
  (void)next_page(text);
  if (const auto id = parse_model_id(text)) {
    if (!is_safe_path(id->repo) || (!id->file.empty() && !is_safe_path(id->file))) std::abort();
  }
  HubListing listing;
  if (!parse_tree_page(text, listing.files).ok() || !finish_listing(listing).ok()) return 0;
  for (const HubFile& file : listing.files)
    if (!is_safe_path(file.path) || !is_content_tag(file.tag)) std::abort();
  return 0;
}
