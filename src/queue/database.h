#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace maie::queue {

/// A parameter of a statement. Views what it is made from; used within one call only.
class Value {
 public:
  enum class Kind { kNull, kInteger, kReal, kText, kBlob };
  Value(int64_t integer) : kind_(Kind::kInteger), integer_(integer) {}
  Value(int integer) : Value(int64_t{integer}) {}
  Value(double real) : kind_(Kind::kReal), real_(real) {}
  Value(std::string_view text) : kind_(Kind::kText), text_(text) {}
  Value(const std::string& text) : Value(std::string_view(text)) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  template <class T>
  Value(const std::optional<T>& maybe) : Value(maybe ? Value(*maybe) : Value()) {}
  static Value blob(std::string_view bytes) {
    Value value(bytes);
    value.kind_ = Kind::kBlob;
    return value;
  }

  Kind kind() const { return kind_; }
  int64_t integer() const { return integer_; }
  double real() const { return real_; }
  std::string_view text() const { return text_; }

 private:
  Value() = default;
  Kind kind_ = Kind::kNull;
  int64_t integer_ = 0;
  double real_ = 0;
  std::string_view text_;
};

using Values = std::initializer_list<Value>;

/// The current row of a query; columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  ///< of a text or a blob, any bytes
  std::optional<int64_t> maybe_integer(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// One connection to one SQLite file. Statements are prepared once and kept. One thread at a time.
///
/// Failures of SQLite become a Status: kUnavailable (locked for longer than the busy timeout, or
/// the disk does not answer), kResourceExhausted (full disk), kPermissionDenied, kCorrupt. The
/// message begins with the file's name, without its folder: messages may reach clients.
class Database {
 public:
  enum class Access { kReadWrite, kQueryOnly, kReadOnly };

  static Result<Database> open(const std::string& path, Access access, double busy_timeout_s);
  ~Database();
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) = delete;

  /// Runs a statement to its end; rows are dropped.
  Status run(std::string_view sql, Values values = {});
  /// Calls `on_row` for each row until it returns false.
  Status each(std::string_view sql, Values values, const std::function<bool(const Row&)>& on_row);
  /// The integer of the first column of the first row; nullopt without row or when it is NULL.
  Result<std::optional<int64_t>> integer(std::string_view sql, Values values = {});
  /// The same of a text or blob.
  Result<std::optional<std::string>> text(std::string_view sql, Values values = {});

  /// Rows that the last statement inserted, changed or removed.
  int64_t changed_rows() const;
  /// Between BEGIN and COMMIT; a full disk ends a transaction by itself.
  bool in_transaction() const;
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  Database() = default;
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Status bind(sqlite3_stmt* statement, Values values);
  Status failure() const;

  std::string name_;
  double busy_timeout_s_ = 0;
  std::unique_ptr<sqlite3, Close> connection_;
  std::map<std::string, Statement, std::less<>> statements_;  // goes before the connection
};

}  // namespace maie::queue
