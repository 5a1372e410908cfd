#include "net/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

namespace maie::net {
namespace {

// Digits, with a fraction at most; strtod would take "inf" and hexadecimal too.
std::optional<double> number(std::string_view text) {
  const bool plain = !text.empty() && text.size() < 20 && text.front() != '.' &&
                     text.find_first_not_of("0123456789.") == std::string_view::npos;
  return plain ? std::optional(std::strtod(std::string(text).c_str(), nullptr)) : std::nullopt;
}

// The number after `key` where it begins a word, or nothing.
std::optional<double> parameter(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  while (at != std::string_view::npos && at > 0 && text[at - 1] != ' ' && text[at - 1] != ';' &&
         text[at - 1] != ',') {
    at = text.find(key, at + 1);
  }
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + key.size());
  return number(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

bool may_pass(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

std::optional<double> asked_pause_s(const HttpResponse& response, std::time_t now) {
  if (const auto ms = number(response.header("retry-after-ms"))) return *ms / 1000;
  const std::string_view after = response.header("retry-after");
  if (const auto s = number(after)) return s;
  if (!after.empty()) {
    const std::time_t then = curl_getdate(std::string(after).c_str(), nullptr);
    if (then != -1) return std::max(0.0, std::difftime(then, now));
  }
  const std::string_view limit = response.header("ratelimit");
  if (const auto s = parameter(limit, "t=")) return s;
  return parameter(limit, "reset=");
}

Backoff::Backoff(double first_s, double longest_s)
    : first_s_(first_s), longest_s_(longest_s), state_(std::random_device{}()) {}

double Backoff::pause_s(int tries) {
  std::minstd_rand random(uint32_t(state_.fetch_add(0x9E3779B97F4A7C15u) >> 16));
  random.discard(2);
  const double whole = std::min(longest_s_, std::ldexp(first_s_, std::clamp(tries - 1, 0, 30)));
  return whole * std::uniform_real_distribution(0.5, 1.0)(random);
}

Status pause(double seconds, const CancelToken* cancel) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(std::min(seconds, 1e6)));
  while (Clock::now() < end) {
    if (cancel != nullptr) MAIE_TRY(cancel->status());
    const Clock::duration left = end - Clock::now();
    std::this_thread::sleep_for(std::min<Clock::duration>(left, std::chrono::milliseconds(100)));
  }
  return cancel != nullptr ? cancel->status() : Status();
}

}  // namespace maie::net
