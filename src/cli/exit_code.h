#pragma once

#include <vector>

#include "base/status.h"

namespace maie::cli {

/// Exit codes of the program; the numbers of sysexits.h where it has one. docs/json-result.md and
/// `maie transcribe --help` list them for users.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,
  kExitUsage = 2,          ///< wrong command line, found while parsing it
  kExitSomeFailed = 3,     ///< at least one input failed and at least one succeeded
  kExitUsageLater = 64,    ///< an option the chosen model cannot serve
  kExitBadData = 65,       ///< input or model unusable
  kExitNoInput = 66,       ///< input or model not found
  kExitUnavailable = 69,   ///< a server is not to be reached; try again
  kExitInternal = 70,      ///< a bug
  kExitSystem = 71,        ///< out of memory and the like
  kExitCannotCreate = 73,  ///< an output file cannot be created
  kExitIo = 74,            ///< read or write error
  kExitTryLater = 75,      ///< queue full, too many requests
  kExitNoPermission = 77,
  kExitConfig = 78,        ///< this machine or configuration cannot work (maie doctor)
  kExitInterrupted = 130,  ///< SIGINT
  kExitTerminated = 143,   ///< SIGTERM
};

/// The exit code that tells a caller of the shell what `code` tells a caller of the engine.
int exit_code_of(Code code);

/// The same for what a language model or another service has failed at.
int exit_code_of_service(Code code);

/// The exit code for an output file that could not be written: 73 where it cannot be created, 74
/// where writing went wrong half-way (a full disk).
int exit_code_of_output(Code code);

/// The code of a whole run, from one code per input (0: that input is done).
int exit_code_of_batch(const std::vector<int>& codes);

}  // namespace maie::cli
