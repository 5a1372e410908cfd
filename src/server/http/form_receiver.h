#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "server/http/message.h"
#include "server/http/multipart.h"

namespace maie::http {

struct FormLimits {
  int max_parts = 1000;
  size_t max_field_bytes = 1 << 20;  ///< of one field; all together may have twice as much
};

/// Receives a form: files go to the spool folder while they come (mode 0600, with their SHA-256),
/// fields stay in memory. Nothing is flushed to the disk; who keeps a file does that. Files that
/// are still there when the receiver goes are removed. One thread at a time.
class FormReceiver final : private PartSink {
 public:
  FormReceiver(std::string_view boundary, const FormLimits& limits, std::string spool_folder);
  ~FormReceiver() override;
  FormReceiver(const FormReceiver&) = delete;
  FormReceiver& operator=(const FormReceiver&) = delete;

  /// The next piece of the body, of any size. "disk_full" (507), "too_large" (413), "bad_form",
  /// "too_many_parts" (400), "internal" (500).
  std::optional<Refusal> receive(std::string_view bytes);
  /// The body has ended.
  std::optional<Refusal> finish();
  /// What came, once, after finish().
  Form take() { return std::move(form_); }

 private:
  std::optional<Refusal> begin(PartHead head) override;
  std::optional<Refusal> data(std::string_view bytes) override;
  std::optional<Refusal> end() override;
  std::optional<Refusal> open_file(PartHead head);
  std::optional<Refusal> write_file(std::string_view bytes);
  std::optional<Refusal> add_to_field(std::string_view bytes);
  std::optional<Refusal> count(size_t bytes);  ///< kept in memory
  void close_file();

  const FormLimits limits_;
  const std::string folder_;
  MultipartParser parser_;
  Form form_;
  size_t field_bytes_ = 0;  ///< of all parts but the files' content
  int file_ = -1;           ///< of the last file of the form, while its part comes
  uint64_t flushed_ = 0;    ///< of that file, handed to the disk
  std::optional<Digest> digest_;
  std::vector<std::string> paths_;
};

/// Makes the folder for uploads in progress (mode 0700) and removes the uploads that an earlier
/// process left in it.
Status prepare_spool(const std::string& folder);

}  // namespace maie::http
