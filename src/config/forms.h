#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maie::config {

/// Forms that the texts of settings have. Pure functions.

/// Bytes of "1073741824", "6GiB", "512 MB", "1.5g"; units without i are powers of 1000. nullopt
/// when it is no size, or over 2^60.
std::optional<uint64_t> parse_size(std::string_view text);

bool is_size_or_auto(std::string_view text);
bool is_http_url(std::string_view text);     ///< without a name and password in it
bool is_model_name(std::string_view text);   ///< anything, but as URL as above
bool is_socket_path(std::string_view text);  ///< absolute, and short enough for a socket
bool is_origin(std::string_view text);       ///< "*" or scheme://host[:port]
bool is_header_list(std::string_view text);  ///< name=value,name=value
bool is_language(std::string_view text);     ///< "vi", "en-US"
bool is_key(std::string_view text);          ///< visible ASCII, 32 to 1024 characters
bool is_utf8(std::string_view text);

/// What older names say, in our words.
std::string level_of_older(std::string_view text);         ///< "SUCCESS" is info
std::string megabytes_of_older(std::string_view text);     ///< "1 GB" is 1000
std::string days_of_older(std::string_view text);          ///< "30 days" is 30
std::string unit_of_older(std::string_view text);          ///< ["minute", 60]: minute
std::string count_of_older(std::string_view text);         ///< and 60
std::string compute_type_of_older(std::string_view text);  ///< "float16" is auto
std::string hub_switch(std::string_view text);             ///< 1, ON, YES, TRUE; all else is false
std::string first_number(std::string_view text);           ///< "8,4" is 8; blank where it is none

/// `text` without white space at its ends, and in lower case (ASCII).
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);
std::string upper(std::string_view text);

}  // namespace maie::config
