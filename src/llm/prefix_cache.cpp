#include "llm/prefix_cache.h"

#include <algorithm>

#include "base/check.h"

namespace maie::llm {
namespace {

std::vector<int32_t> chunk_at(std::span<const int32_t> tokens, int64_t index, int64_t chunk) {
  const auto part = tokens.subspan(size_t(index * chunk), size_t(chunk));
  return {part.begin(), part.end()};
}

}  // namespace

PrefixCache::PrefixCache(PagePool& pool, int64_t chunk, int64_t page_tokens)
    : pool_(pool), chunk_(chunk), pages_per_chunk_(chunk / page_tokens) {
  check(chunk > 0 && chunk % page_tokens == 0, "chunks of whole pages");
}

PrefixCache::~PrefixCache() {
  while (drop_oldest(Which::kAll)) {
  }
}

std::vector<int32_t> PrefixCache::find(std::span<const int32_t> tokens, int64_t most_tokens) {
  std::vector<int32_t> pages;
  Node* node = &root_;
  const int64_t most = std::min(most_tokens, int64_t(tokens.size())) / chunk_;
  for (int64_t i = 0; i < most; ++i) {
    const auto found = node->next.find(chunk_at(tokens, i, chunk_));
    if (found == node->next.end()) break;
    node = found->second.get();
    node->used = ++clock_;
    pages.insert(pages.end(), node->pages.begin(), node->pages.end());
  }
  pool_.hold(pages);
  return pages;
}

int64_t PrefixCache::known(std::span<const int32_t> tokens) const {
  const Node* node = &root_;
  int64_t count = 0;
  for (; (count + 1) * chunk_ <= int64_t(tokens.size()); ++count) {
    const auto found = node->next.find(chunk_at(tokens, count, chunk_));
    if (found == node->next.end()) break;
    node = found->second.get();
  }
  return count * chunk_;
}

void PrefixCache::add(std::span<const int32_t> tokens, std::span<const int32_t> pages) {
  Node* node = &root_;
  for (int64_t i = 0; (i + 1) * chunk_ <= int64_t(tokens.size()); ++i) {
    std::unique_ptr<Node>& place = node->next[chunk_at(tokens, i, chunk_)];
    const bool is_new = place == nullptr;
    if (is_new) place = std::make_unique<Node>();
    node = place.get();
    node->used = ++clock_;
    if (!is_new) continue;
    const auto own = pages.subspan(size_t(i * pages_per_chunk_), size_t(pages_per_chunk_));
    node->pages.assign(own.begin(), own.end());
    pool_.hold(own);
    ++chunks_;
  }
}

// The leaf that was used least recently. A chunk is never used later than those after it, and never
// read by a sequence that does not read those before it, so leaves are all there is to look at.
bool PrefixCache::drop_oldest(Which which) {
  Node* parent = nullptr;
  std::map<std::vector<int32_t>, std::unique_ptr<Node>>::iterator oldest;
  std::vector<Node*> open = {&root_};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    for (auto it = node->next.begin(); it != node->next.end(); ++it) {
      const Node& child = *it->second;
      if (!child.next.empty()) {
        open.push_back(it->second.get());
      } else if (which == Which::kAll || pool_.holders(child.pages.front()) == 1) {
        if (parent != nullptr && child.used >= oldest->second->used) continue;
        parent = node;
        oldest = it;
      }
    }
  }
  if (parent == nullptr) return false;
  pool_.let_go(oldest->second->pages);
  parent->next.erase(oldest);
  --chunks_;
  return true;
}

int64_t PrefixCache::idle_pages() const {
  int64_t idle = 0;
  std::vector<const Node*> open = {&root_};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const auto& [tokens, child] : node->next) {
      open.push_back(child.get());
      if (pool_.holders(child->pages.front()) == 1) idle += pages_per_chunk_;
    }
  }
  return idle;
}

bool PrefixCache::make_room(int64_t pages) {
  if (pool_.free() >= pages) return true;
  if (pool_.free() + idle_pages() < pages) return false;
  while (pool_.free() < pages) {
    if (!drop_oldest(Which::kIdle)) return false;
  }
  return true;
}

}  // namespace maie::llm
