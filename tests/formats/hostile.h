#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace maie::formats {

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <class Number>
void append_number(std::string& text, Number value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// Calls `parse` with damaged copies of a valid file, the same ones each time: cut, with bits
/// flipped, with numbers replaced by extreme ones, with pieces moved; most of the damage where the
/// structure is, in the first `structure` bytes.
template <class Parse>
void parse_damaged_copies(const std::string& valid, size_t structure, int count, Parse parse) {
  std::mt19937 random(2024);
  const auto below = [&](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const uint64_t extremes[] = {0,
                               1,
                               0x7f,
                               0xff,
                               0x7fff,
                               0xffff,
                               0x7fffffff,
                               0xffffffff,
                               0x7fffffffffffffff,
                               0xffffffffffffffff,
                               0x100000000};
  for (int i = 0; i < count; ++i) {
    std::string damaged = valid;
    for (size_t change = 1 + below(3); change > 0; --change) {
      const size_t at = below(below(4) == 0 ? damaged.size() : std::min(structure, damaged.size()));
      switch (below(5)) {
        case 0: damaged.resize(at); break;
        case 1:
          if (at < damaged.size()) damaged[at] = char(uint8_t(damaged[at]) ^ (1u << below(8)));
          break;
        case 2: {
          const uint64_t extreme = extremes[below(std::size(extremes))];
          const size_t width = size_t{1} << below(4);
          for (size_t b = 0; b < width && at + b < damaged.size(); ++b) {
            damaged[at + b] = char(uint8_t(extreme >> (8 * b)));
          }
          break;
        }
        case 3: damaged.erase(at, 1 + below(12)); break;
        default: damaged.insert(at, valid, below(valid.size()), 1 + below(24));
      }
    }
    parse(damaged);
  }
}

}  // namespace maie::formats
