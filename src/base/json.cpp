#include "base/json.h"

#include <set>
#include <string>
#include <vector>

namespace maie {
namespace {

// nlohmann's own DOM builder behind a gate that counts depth, values and repeated keys, so that a
// hostile document is refused before it has cost memory.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(Json& root, const JsonLimits& limits) : dom_(root, false), limits_(limits) {}

  bool null() override { return count() && dom_.null(); }
  bool boolean(bool v) override { return count() && dom_.boolean(v); }
  bool number_integer(number_integer_t v) override { return count() && dom_.number_integer(v); }
  bool number_unsigned(number_unsigned_t v) override { return count() && dom_.number_unsigned(v); }
  bool number_float(number_float_t v, const string_t& s) override {
    return count() && dom_.number_float(v, s);
  }
  bool string(string_t& v) override { return count() && dom_.string(v); }
  bool binary(binary_t& v) override { return count() && dom_.binary(v); }
  bool start_object(size_t n) override { return count() && enter() && dom_.start_object(n); }
  bool end_object() override { return leave() && dom_.end_object(); }
  bool start_array(size_t n) override { return count() && enter() && dom_.start_array(n); }
  bool end_array() override { return leave() && dom_.end_array(); }
  bool key(string_t& name) override {
    if (++members_.back() > limits_.members)
      return refuse("an object of more members than allowed");
    if (limits_.unique_keys && !keys_.back().insert(name).second) {
      return refuse("the key \"" + name.substr(0, 80) + "\" occurs twice");
    }
    return dom_.key(name);
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("not valid JSON at byte " + std::to_string(position));
  }

  const std::string& error() const { return error_; }

 private:
  bool count() {
    if (++values_ > limits_.values) return refuse("more values than allowed");
    return true;
  }
  bool enter() {
    if (++depth_ > limits_.depth) return refuse("nested deeper than allowed");
    members_.push_back(0);
    if (limits_.unique_keys) keys_.emplace_back();
    return true;
  }
  bool leave() {
    --depth_;
    members_.pop_back();
    if (limits_.unique_keys) keys_.pop_back();
    return true;
  }
  bool refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> dom_;
  const JsonLimits& limits_;
  size_t depth_ = 0;
  size_t values_ = 0;
  std::vector<size_t> members_;              // of the objects and arrays that are open
  std::vector<std::set<std::string>> keys_;  // likewise, only with unique_keys
  std::string error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  Json root;
  Builder builder(root, limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return corrupt(builder.error().empty() ? "not valid JSON" : builder.error());
  }
  return root;
}

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_indented(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

int64_t json_int(const Json& object, const char* key, int64_t fallback) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? it->get<int64_t>() : fallback;
}

double json_number(const Json& object, const char* key, double fallback) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : fallback;
}

bool json_bool(const Json& object, const char* key, bool fallback) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() ? it->get<bool>() : fallback;
}

std::string json_string(const Json& object, const char* key, std::string fallback) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::move(fallback);
}

}  // namespace maie
