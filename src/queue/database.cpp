#include "queue/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace maie::queue {
namespace {

// Of the codes that say "the disk": which of our codes, by the number of the system call's error.
Code code_of_io_error(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Code::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kPermissionDenied;
    default: return Code::kUnavailable;
  }
}

Status full_disk(const std::string& name) {
  return resource_exhausted(name + ": the disk is full or the file may not grow; make room");
}

Status no_rights(const std::string& name) {
  return permission_denied(name + ": may not be written; give this user the rights to its folder");
}

Status status_of(const std::string& name, int code, int error_number, const std::string& text,
                 double busy_timeout_s) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable(name + ": another program has kept it locked for longer than " +
                         std::to_string(int64_t(busy_timeout_s * 1000)) +
                         " ms; try again, and look for a backup or a shell that holds it open");
    case SQLITE_FULL: return full_disk(name);
    case SQLITE_NOMEM: return resource_exhausted(name + ": out of memory");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return no_rights(name);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt(
          name + ": the file is damaged (" + text +
          "); what is readable is saved once every process that uses it has let go of it");
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
      const Code ours = code_of_io_error(error_number);
      if (ours == Code::kResourceExhausted) return full_disk(name);
      if (ours == Code::kPermissionDenied) return no_rights(name);
      return unavailable(
          name + ": " + text +
          (error_number != 0 ? " (" + std::generic_category().message(error_number) + ")" : "") +
          "; look after the disk, then try again");
    }
    default: return internal_error(name + ": " + text);
  }
}

}  // namespace

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Row::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Row::text(int column) const {
  // The pointer first, then the length: SQLite's order for either type.
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int count = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), size_t(count));
}

std::optional<int64_t> Row::maybe_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
Database::~Database() = default;

Result<Database> Database::open(const std::string& path, Access access, double busy_timeout_s) {
  Database db;
  db.name_ = std::filesystem::path(path).filename().string();
  db.busy_timeout_s_ = busy_timeout_s;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (access == Access::kReadWrite ? SQLITE_OPEN_CREATE : 0);
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  db.connection_.reset(connection);
  if (connection == nullptr) return resource_exhausted(db.name_ + ": out of memory");
  if (code != SQLITE_OK) return db.failure();
  sqlite3_busy_timeout(connection, int(busy_timeout_s * 1000));
  if (access == Access::kQueryOnly) MAIE_TRY(db.run("PRAGMA query_only = ON"));
  return db;
}

Status Database::failure() const {
  sqlite3* connection = connection_.get();
  return status_of(name_, sqlite3_errcode(connection) & 0xff, sqlite3_system_errno(connection),
                   sqlite3_errmsg(connection), busy_timeout_s_);
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end())
    return found->second.get();
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql.data(), int(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement, nullptr) != SQLITE_OK)
    return failure();
  statements_.emplace(sql, statement);
  return statement;
}

Status Database::bind(sqlite3_stmt* statement, Values values) {
  check(sqlite3_bind_parameter_count(statement) == int(values.size()),
        "a value for each parameter of the statement");
  int index = 0;
  for (const Value& value : values) {
    ++index;
    const std::string_view text = value.text();
    const char* bytes = text.data() != nullptr ? text.data() : "";  // a null pointer would be NULL
    int code = SQLITE_OK;
    switch (value.kind()) {
      case Value::Kind::kNull: code = sqlite3_bind_null(statement, index); break;
      case Value::Kind::kInteger:
        code = sqlite3_bind_int64(statement, index, value.integer());
        break;
      case Value::Kind::kReal: code = sqlite3_bind_double(statement, index, value.real()); break;
      case Value::Kind::kText:
        code =
            sqlite3_bind_text64(statement, index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
        break;
      case Value::Kind::kBlob:
        code = sqlite3_bind_blob64(statement, index, bytes, text.size(), SQLITE_STATIC);
        break;
    }
    if (code == SQLITE_TOOBIG)
      return resource_exhausted(name_ + ": " + std::to_string(text.size()) +
                                " bytes are more than one field can hold");
    if (code != SQLITE_OK) return failure();
  }
  return {};
}

Status Database::each(std::string_view sql, Values values,
                      const std::function<bool(const Row&)>& on_row) {
  MAIE_ASSIGN(sqlite3_stmt * statement, prepare(sql));
  // However it ends, the statement must not keep its snapshot nor point to the caller's values.
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } reset{statement};
  MAIE_TRY(bind(statement, values));
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return failure();
    if (!on_row(Row(statement))) return {};
  }
}

Status Database::run(std::string_view sql, Values values) {
  return each(sql, values, [](const Row&) { return true; });
}

Result<std::optional<int64_t>> Database::integer(std::string_view sql, Values values) {
  std::optional<int64_t> out;
  MAIE_TRY(each(sql, values, [&](const Row& row) {
    out = row.maybe_integer(0);
    return false;
  }));
  return out;
}

Result<std::optional<std::string>> Database::text(std::string_view sql, Values values) {
  std::optional<std::string> out;
  MAIE_TRY(each(sql, values, [&](const Row& row) {
    if (!row.is_null(0)) out = row.text(0);
    return false;
  }));
  return out;
}

int64_t Database::changed_rows() const { return sqlite3_changes64(connection_.get()); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

}  // namespace maie::queue
