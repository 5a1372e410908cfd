#include "summary/list_merge.h"

#include <algorithm>
#include <map>

#include "summary/repetitions.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

ItemWords words_of(const Json& value) {
  ItemWords out;
  out.all = text::scoring_words(all_text(value));
  std::sort(out.all.begin(), out.all.end());
  out.all.erase(std::unique(out.all.begin(), out.all.end()), out.all.end());
  for (const std::string& word : out.all) {
    if (word.find_first_of("0123456789") != std::string::npos) out.numbers.push_back(word);
  }
  return out;
}

bool nearly_same(const ItemWords& a, const ItemWords& b) {
  const size_t least = std::min(a.all.size(), b.all.size());
  const size_t most = std::max(a.all.size(), b.all.size());
  if (least * 4 < most * 3 || a.numbers != b.numbers) return false;
  if (most <= 3) return a.all == b.all;
  size_t common = 0;
  for (auto i = a.all.begin(), j = b.all.begin(); i != a.all.end() && j != b.all.end();) {
    if (*i == *j) ++common;
    const bool behind = *i <= *j;
    const bool ahead = *j <= *i;
    i += behind;
    j += ahead;
  }
  return common * 4 >= (a.all.size() + b.all.size() - common) * 3;
}

size_t nulls(const Json& value) {
  if (value.is_null()) return 1;
  size_t sum = 0;
  if (value.is_structured()) {
    for (const Json& member : value) sum += nulls(member);
  }
  return sum;
}

bool repeats(const ListItem& a, const ListItem& b) {
  if (a.words.all.empty() && b.words.all.empty()) return key_of(a.value) == key_of(b.value);
  return nearly_same(a.words, b.words);
}

bool in_order(const ListItem& a, const ListItem& b) {
  return a.part != b.part ? a.part < b.part : a.place < b.place;
}

void put_back(std::vector<ListItem> repeated, size_t least, std::vector<ListItem>& items) {
  for (const bool equal_too : {false, true}) {
    std::vector<ListItem> left;
    for (ListItem& again : repeated) {
      const bool stands = std::any_of(items.begin(), items.end(), [&](const ListItem& item) {
        return item.value == again.value;
      });
      const bool wanted = items.size() < least && (equal_too || !stands);
      (wanted ? items : left).push_back(std::move(again));
    }
    repeated = std::move(left);
  }
  std::sort(items.begin(), items.end(), in_order);
}

}  // namespace

std::string all_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string out;
  if (value.is_structured()) {
    for (const Json& member : value) {
      const std::string text = all_text(member);
      if (!text.empty()) out += (out.empty() ? "" : " ") + text;
    }
  }
  return out;
}

bool nearly_same(const Json& a, const Json& b) { return nearly_same(words_of(a), words_of(b)); }

std::vector<ListItem> without_repetitions(const Givens& lists, ListRule rule) {
  std::vector<ListItem> items, repeated;
  for (const Given& list : lists) {
    size_t place = 0;
    for (const Json& value : *list.value) {
      ListItem own{value, words_of(value), {list.part}, list.part, place++};
      const bool counts_alone = own.words.all.empty() && !value.is_string() && !rule.unique;
      const auto same = counts_alone ? items.end()
                                     : std::find_if(items.begin(), items.end(),
                                                    [&](auto& item) { return repeats(item, own); });
      if (same == items.end()) {
        items.push_back(std::move(own));
        continue;
      }
      same->parts.insert(list.part);
      if (nulls(value) < nulls(same->value)) std::swap(same->value, own.value);
      if (rule.least > 0) repeated.push_back(std::move(own));
    }
  }
  if (items.size() < rule.least) put_back(std::move(repeated), rule.least, items);
  return items;
}

std::vector<ListItem> fair_share(std::vector<ListItem> items, size_t most) {
  if (items.size() <= most) return items;
  std::map<size_t, std::vector<ListItem>> by_part;
  for (ListItem& item : items) by_part[item.part].push_back(std::move(item));
  for (auto& [part, own] : by_part) {
    std::stable_sort(own.begin(), own.end(), [](const ListItem& a, const ListItem& b) {
      return a.parts.size() > b.parts.size();
    });
  }
  std::vector<ListItem> out;
  for (size_t round = 0; out.size() < most; ++round) {
    for (auto& [part, own] : by_part) {
      if (round < own.size() && out.size() < most) out.push_back(std::move(own[round]));
    }
  }
  std::sort(out.begin(), out.end(), in_order);
  return out;
}

}  // namespace maie::summary
