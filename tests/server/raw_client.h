#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace maie::http {

/// An answer as it came over the wire.
struct RawAnswer {
  int status = 0;
  std::string head;  ///< with its empty line
  std::string body;  ///< chunks joined
  bool whole = false;

  /// The value of the first field of that name; empty without.
  std::string field(std::string_view name) const;
};

/// A client that sends bytes exactly as told. One thread at a time.
class RawClient {
 public:
  explicit RawClient(int port);  ///< 127.0.0.1
  explicit RawClient(const std::string& unix_path);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return socket_ >= 0; }
  bool send(std::string_view bytes);
  void finish_sending();  ///< closes this direction alone
  void close();
  void reset();  ///< closes so that the other end gets an error
  void small_receive_buffer();

  /// Reads until `text` has arrived, the end, or the time has passed; what came so far stays here.
  bool read_until(std::string_view text, double seconds = 5);
  /// The next answer; its bytes are taken out of what came.
  RawAnswer answer(bool to_head = false, double seconds = 5);
  /// Whether the server ends the connection.
  bool ended(double seconds = 5);
  const std::string& received() const { return received_; }

 private:
  bool fill(std::chrono::steady_clock::time_point deadline);
  int socket_ = -1;
  bool end_ = false;
  std::string received_;
};

}  // namespace maie::http
