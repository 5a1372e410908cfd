#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"
#include "formats/byte_reader.h"

namespace maie::formats {

// A tensor as the header describes it, not yet believed.
struct Safetensors::HeaderTensor {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
  std::vector<uint64_t> offsets;  // begin and end, from where the data starts
  bool has_type = false, has_shape = false, has_offsets = false;
};

namespace {

constexpr size_t kMaxRank = 64;  // far above any tensor; bounds the memory of a hostile header
constexpr size_t kMaxShards = 4096;
constexpr size_t kMaxIndexBytes = 64 << 20;
constexpr size_t kMaxDepth = 16;

struct TypeName {
  std::string_view name;
  size_t bytes;
  std::optional<DType> type;  // none: we have no such element
};
constexpr std::array<TypeName, 17> kTypes = {{
    {"F32", 4, DType::kF32},
    {"F16", 2, DType::kF16},
    {"BF16", 2, DType::kBF16},
    {"I8", 1, DType::kI8},
    {"U8", 1, DType::kU8},
    {"I16", 2, DType::kI16},
    {"I32", 4, DType::kI32},
    {"I64", 8, DType::kI64},
    {"F64", 8, DType::kF64},
    {"BOOL", 1, std::nullopt},
    {"U16", 2, std::nullopt},
    {"U32", 4, std::nullopt},
    {"U64", 8, std::nullopt},
    {"F8_E4M3", 1, std::nullopt},
    {"F8_E5M2", 1, std::nullopt},
    {"F8_E8M0", 1, std::nullopt},
    {"C64", 8, std::nullopt},
}};

const TypeName* type_named(std::string_view name) {
  for (const TypeName& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

std::string labelled(std::string_view name) { return "tensor \"" + printable(name) + "\""; }

// JSON events without a tree: a header of 100 MB may name a million tensors, and an ordered tree
// takes quadratic time to look for repeated keys. Subclasses see keys and values with the depth
// they stand at; the root object's keys have depth 1.
class Events : public nlohmann::json_sax<Json> {
 public:
  const std::string& error() const { return error_; }

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool start_object(size_t) override {
    return ++depth_ <= kMaxDepth ? object_begins() : refuse("is nested deeper than allowed");
  }
  bool end_object() override {
    --depth_;
    return object_ended();
  }
  bool start_array(size_t) override {
    return ++depth_ <= kMaxDepth ? array_begins() : refuse("is nested deeper than allowed");
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("is not valid JSON at byte " + std::to_string(position));
  }

 protected:
  virtual bool other() = 0;
  virtual bool object_begins() = 0;
  virtual bool object_ended() = 0;
  virtual bool array_begins() = 0;
  bool refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }
  size_t depth_ = 0;

 private:
  std::string error_;
};

// model.safetensors.index.json: {"weight_map": {tensor: file, ...}, anything else}.
class IndexReader : public Events {
 public:
  bool key(string_t& name) override {
    if (depth_ == 1) inside_ = name == "weight_map";
    if (depth_ == 2 && inside_) {
      name_ = name;
      if (!map.emplace(name, "").second) return refuse("names " + labelled(name) + " twice");
    }
    return true;
  }
  bool string(string_t& value) override {
    if (!inside_) return true;
    if (depth_ != 2) return refuse("has a weight_map that is not an object of file names");
    map[name_] = value;
    return true;
  }
  bool number_unsigned(number_unsigned_t) override { return other(); }

  std::map<std::string, std::string> map;

 protected:
  bool other() override {
    return !inside_ || refuse("has a weight_map with a value that is not a file name");
  }
  bool object_begins() override {
    if (inside_ && depth_ > 2)
      return refuse("has a weight_map that is not an object of file names");
    return true;
  }
  bool object_ended() override {
    if (depth_ == 1) inside_ = false;
    return true;
  }
  bool array_begins() override {
    return !inside_ || refuse("has a weight_map that is not an object of file names");
  }

 private:
  bool inside_ = false;
  std::string name_;
};

// Only plain names inside the folder: an index is from outside and must not reach elsewhere.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name[0] != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace

class Safetensors::HeaderReader : public Events {
 public:
  std::vector<HeaderTensor> tensors;
  std::map<std::string, std::string> metadata;

  bool key(string_t& name) override {
    if (depth_ == 1) {
      if (!names_.insert(name).second) return refuse("names " + labelled(name) + " twice");
      in_metadata_ = name == "__metadata__";
      expects_object_ = true;
      if (!in_metadata_) {
        tensors.emplace_back();
        tensors.back().name = name;
      }
      name_ = name;
      field_.clear();
    } else if (depth_ == 2) {
      field_ = name;
    }
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ != 2) return other();
    if (in_metadata_) {
      metadata[field_] = value;
      return true;
    }
    if (field_ != "dtype") return other();
    if (std::exchange(tensors.back().has_type, true)) return twice();
    tensors.back().type = value;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    auto* list = depth_ == 3 ? open_list() : nullptr;
    if (list == nullptr) return other();
    if (list->size() >= kMaxRank) return malformed();
    list->push_back(value);
    return true;
  }

 protected:
  bool other() override {
    if (depth_ <= 1 || in_metadata_ || expects_object_) return malformed();
    const bool ours = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    return !ours || malformed();  // members a later version may add are passed over
  }
  bool object_begins() override {
    if (depth_ == 1) return true;
    if (depth_ == 2 && expects_object_) {
      expects_object_ = false;
      return true;
    }
    return other();
  }
  bool object_ended() override {
    if (depth_ != 1 || in_metadata_) return true;
    const HeaderTensor& tensor = tensors.back();
    return (tensor.has_type && tensor.has_shape && tensor.offsets.size() == 2) || malformed();
  }
  bool array_begins() override {
    if (depth_ == 3 && open_list() != nullptr) {
      HeaderTensor& tensor = tensors.back();
      return !std::exchange(field_ == "shape" ? tensor.has_shape : tensor.has_offsets, true) ||
             twice();
    }
    return other();
  }

 private:
  std::vector<uint64_t>* open_list() {
    if (in_metadata_) return nullptr;
    if (field_ == "shape") return &tensors.back().shape;
    if (field_ == "data_offsets") return &tensors.back().offsets;
    return nullptr;
  }
  bool malformed() {
    if (depth_ == 0 || name_.empty()) return refuse("is not an object of tensors");
    return refuse("does not describe " + labelled(name_) + " by dtype, shape and data_offsets");
  }
  bool twice() { return refuse("gives " + labelled(name_) + " a member twice"); }

  std::set<std::string> names_;
  std::string name_;
  std::string field_;
  bool in_metadata_ = false;
  bool expects_object_ = false;
};

Status Safetensors::add_bytes(std::span<const std::byte> bytes, const std::string& path) {
  const std::string again = "; fetch the file again";
  ByteReader reader(bytes);
  const auto length = reader.number<uint64_t>();
  if (!length) {
    return corrupt(path + ": " + std::to_string(bytes.size()) +
                   " bytes are too few for a safetensors file" + again);
  }
  if (*length > kMaxHeaderBytes) {
    return corrupt(path + ": claims a header of " + std::to_string(*length) + " bytes, more than " +
                   std::to_string(kMaxHeaderBytes) + "; this is no safetensors file");
  }
  const auto header = reader.text(size_t(*length));
  if (!header) {
    return corrupt(path + ": the header ends " + std::to_string(*length - reader.remaining()) +
                   " bytes past the file; the download is probably cut short" + again);
  }
  if (header->empty() || header->front() != '{') {
    return corrupt(path + ": the header is not a JSON object; this is no safetensors file");
  }
  HeaderReader events;
  if (!Json::sax_parse(header->begin(), header->end(), &events)) {
    return corrupt(path + ": the header " + events.error() + again);
  }

  const auto data = *reader.take(reader.remaining());
  auto& tensors = events.tensors;
  std::sort(tensors.begin(), tensors.end(),
            [](const HeaderTensor& a, const HeaderTensor& b) { return a.offsets < b.offsets; });
  uint64_t expected = 0;
  for (const HeaderTensor& tensor : tensors) {
    const std::string where = path + ": " + labelled(tensor.name);
    const uint64_t begin = tensor.offsets[0];
    const uint64_t end = tensor.offsets[1];
    if (begin > end) {
      return corrupt(where + " ends at byte " + std::to_string(end) + ", before its begin at " +
                     std::to_string(begin) + again);
    }
    if (begin != expected) {
      return corrupt(where + " begins at byte " + std::to_string(begin) + " of the data where " +
                     std::to_string(expected) + " was due; tensors must neither overlap nor leave" +
                     " a hole" + again);
    }
    expected = end;
    if (end > data.size()) {
      return corrupt(where + " ends " + std::to_string(end - data.size()) +
                     " bytes past the file; the download is probably cut short" + again);
    }
    Entry entry{
        .view = {}, .type = tensor.type, .rank = tensor.shape.size(), .begin = begin, .end = end};
    if (const TypeName* type = type_named(tensor.type)) {
      std::optional<uint64_t> size = type->bytes;
      bool empty = false;  // a zero extent makes the rest irrelevant, also an overflow before it
      for (const uint64_t dim : tensor.shape) {
        empty = empty || dim == 0;
        if (size) size = checked_product(*size, dim);
      }
      if (empty) size = 0;
      if (!size || *size != end - begin) {
        return corrupt(where + " has " + std::to_string(end - begin) +
                       " bytes, its shape asks for " +
                       (size ? std::to_string(*size) : "more than there are numbers for") + again);
      }
      // Absurd extents beside a zero one would overflow where shapes are multiplied out.
      const uint64_t most = empty ? 1 << 15 : INT64_MAX;
      const bool sane = std::all_of(tensor.shape.begin(), tensor.shape.end(),
                                    [&](uint64_t dim) { return dim <= most; });
      if (type->type && entry.rank <= size_t(Shape::kMaxRank) && sane) {
        Shape shape;
        for (const uint64_t dim : tensor.shape) shape.append(int64_t(dim));
        entry.view = {data.data() + begin, *type->type, shape};
      }
    }
    entries_.emplace(tensor.name, std::move(entry));
  }
  if (expected != data.size()) {
    return corrupt(path + ": has " + std::to_string(data.size() - expected) +
                   " bytes after the last tensor" + again);
  }
  for (auto& [key, value] : events.metadata) metadata_.emplace(key, std::move(value));
  files_.push_back({path, bytes.size()});
  return {};
}

Status Safetensors::add_file(const std::string& path) {
  MAIE_ASSIGN(auto map, MappedFile::open(path));
  MAIE_TRY(add_bytes(map->bytes(), path));
  maps_.push_back(std::move(map));
  return {};
}

Result<std::shared_ptr<const Safetensors>> Safetensors::open(const std::string& path) {
  auto file = std::make_shared<Safetensors>();
  file->path_ = path;
  MAIE_TRY(file->add_file(path));
  return std::shared_ptr<const Safetensors>(std::move(file));
}

Result<std::shared_ptr<const Safetensors>> Safetensors::parse(std::span<const std::byte> bytes,
                                                              const std::string& path) {
  auto file = std::make_shared<Safetensors>();
  file->path_ = path;
  MAIE_TRY(file->add_bytes(bytes, path));
  return std::shared_ptr<const Safetensors>(std::move(file));
}

Result<std::shared_ptr<const Safetensors>> Safetensors::open_sharded(const std::string& directory) {
  const std::string single = directory + "/model.safetensors";
  const std::string index = single + ".index.json";
  std::error_code ignored;
  if (!std::filesystem::exists(index, ignored)) {
    if (!std::filesystem::exists(single, ignored)) {
      return not_found(directory + ": holds neither model.safetensors nor " +
                       "model.safetensors.index.json; name a folder with a model in it");
    }
    return open(single);
  }
  MAIE_ASSIGN(const std::string text, read_file(index, kMaxIndexBytes));
  IndexReader events;
  if (!Json::sax_parse(text.begin(), text.end(), &events)) {
    return corrupt(index + ": " + events.error() + "; fetch the file again");
  }
  if (events.map.empty()) return corrupt(index + ": names no tensors; fetch the file again");

  auto file = std::make_shared<Safetensors>();
  file->path_ = directory;
  file->files_.push_back({index, text.size()});
  std::set<std::string> shards;
  for (const auto& [name, shard] : events.map) shards.insert(shard);
  if (shards.size() > kMaxShards) return corrupt(index + ": names more files than a model has");
  std::map<std::string, Entry, std::less<>> entries;
  for (const std::string& shard : shards) {
    if (!is_plain_file_name(shard)) {
      return corrupt(index + ": \"" + printable(shard) + "\" is not the name of a file beside it");
    }
    const Status added = file->add_file(directory + "/" + shard);
    if (added.code() == Code::kNotFound) {
      return not_found(directory + "/" + shard + ": the index names this file, but it is missing;" +
                       " fetch the model again");
    }
    MAIE_TRY(added);
    // The index decides which file a tensor comes from; what else a file holds is not the model's.
    for (auto& [name, entry] : file->entries_) {
      const auto mapped = events.map.find(name);
      if (mapped != events.map.end() && mapped->second == shard) {
        entries.emplace(name, std::move(entry));
      }
    }
    file->entries_.clear();
  }
  for (const auto& [name, shard] : events.map) {
    if (entries.count(name) == 0) {
      return corrupt(directory + "/" + printable(shard) + ": lacks " + labelled(name) +
                     ", which the index says is there; fetch the model again");
    }
  }
  file->entries_ = std::move(entries);
  return std::shared_ptr<const Safetensors>(std::move(file));
}

const ConstTensor* Safetensors::find(std::string_view name) const {
  const auto it = entries_.find(name);
  return it != entries_.end() && it->second.view ? &it->second.view : nullptr;
}

Result<ConstTensor> Safetensors::get(std::string_view name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) {
    return not_found(path_ + ": has no " + labelled(name) +
                     "; the model is incomplete or of another kind");
  }
  if (!it->second.view) {
    return unsupported(path_ + ": " + labelled(name) + " has element type " +
                       printable(it->second.type) + " and rank " + std::to_string(it->second.rank) +
                       ", which MAIE does not compute with; convert the model to float16");
  }
  return it->second.view;
}

std::vector<std::string_view> Safetensors::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

void Safetensors::release(std::span<const std::byte> bytes) const {
  for (const auto& map : maps_) {
    const auto whole = map->bytes();
    if (std::less_equal<>()(whole.data(), bytes.data()) &&
        std::less<>()(bytes.data(), whole.data() + whole.size())) {
      map->release(bytes);
    }
  }
}

}  // namespace maie::formats
