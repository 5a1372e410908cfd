#pragma once

#include <cstdint>

namespace maie::audio {

/// The other half of `start_decode`: a process that only decodes. The parent starts it as
///
///   PROGRAM --decode-child MAX_SAMPLES MAX_SPOOL_BYTES
///
/// with these descriptors and no others:
inline constexpr int kChildInput = 3;   ///< the recording
inline constexpr int kChildOutput = 4;  ///< messages of decode_protocol.h
inline constexpr int kChildLifeline =
    5;                                 ///< read end of a pipe the parent holds open while it lives
inline constexpr int kChildSpool = 6;  ///< an empty temporary file, writable
inline constexpr const char* kDecodeChildFlag = "--decode-child";

/// True when this process was started as a decoding child. `main` asks before anything else:
///   if (audio::is_decode_child(argc, argv)) return audio::decode_child_main(argc, argv);
bool is_decode_child(int argc, const char* const* argv);

/// Confines this process (confine.h) and decodes kChildInput to kChildOutput. A pipe is read as a
/// stream, except where the format needs to be read out of order (MP4): that is copied to
/// kChildSpool first. Returns the exit code: 0 also when the recording is bad, which the messages
/// say.
int decode_child_main(int argc, const char* const* argv);

}  // namespace maie::audio
