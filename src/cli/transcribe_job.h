#pragma once

#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/recogniser.h"

namespace maie::cli {

/// Runs `maie transcribe`: finds the inputs, plans the outputs, loads the model, and works through
/// the recordings one by one. What can fail before the work fails before the work; what fails in
/// one recording leaves the others alone.
/// @param arguments  model_path already chosen.
/// @param cancel     asked for by a signal; also cancelled here when standard output is closed.
/// @returns the exit code. kExitInterrupted when cancelled, whatever the signal was.
int run_transcribe(const TranscribeArguments& arguments, const RecogniserLoader& load,
                   Console& console, CancelToken& cancel);

/// Says with --verbose which model recognises.
void describe_model(const pipeline::ModelInfo& model, Console& console);

/// Tells what was odd about a recording or its transcript.
void report_warnings(const std::string& path, const Recognised& result, Console& console);

}  // namespace maie::cli
