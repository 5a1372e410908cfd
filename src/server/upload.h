#pragma once

#include <optional>
#include <string>

#include "config/settings.h"
#include "server/errors.h"
#include "server/http/message.h"

namespace maie::server {

/// Of one file (api.max_file_size_mb).
size_t most_upload_bytes(const config::Settings& settings);
/// Of the body of a form with one file: the other fields are small.
size_t most_form_bytes(const config::Settings& settings);

/// Whether an uploaded file may be a recording: its name and type by the rules of
/// docs/spec/service.md, 3, and its first bytes, which must not be those of something else (a
/// text, a page, JSON, a document, a picture, an archive). What is inside only the worker's decoder
/// finds out. @returns the refusal: 415, or 422 for an empty file.
std::optional<ApiError> check_upload(const http::FormFile& file);

/// Whether the content is plainly something else than a recording, for routes that decide by
/// content alone.
bool is_plainly_no_recording(const http::FormFile& file);

/// Makes an upload the recording of a task: "<audio_dir>/<task id>/raw<ext>", moved there and on
/// the disk with its folders when this returns. The extension is one of a fixed list, never the
/// client's. @returns its path below the audio folder.
Result<std::string> keep_upload(const config::Settings& settings, const std::string& task_id,
                                const http::FormFile& file);

/// Removes the folder of a task, whatever is in it.
void remove_task_folder(const config::Settings& settings, const std::string& task_id);

/// What people may be shown of the name a client gave (docs/spec/service.md, 3); never a path.
std::string sanitised_file_name(std::string name);

/// A random UUID (version 4).
std::string new_task_id();
/// Whether a text has the form of one, in lower case.
bool is_task_id(std::string_view text);

}  // namespace maie::server
