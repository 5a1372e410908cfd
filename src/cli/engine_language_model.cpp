#include "cli/language_model.h"
#include "worker/open_model.h"

namespace maie::cli {

LanguageModelLoader language_model_loader() {
  return {.check = worker::check_language_model,
          .load = [](const std::string& model, const LlmArguments& arguments) {
            worker::LanguageModelChoice choice;
            choice.model = model;
            choice.served_name = arguments.served_name;
            choice.key_variable = arguments.key_variable;
            choice.key_file = arguments.key_file;
            choice.compute_type = arguments.compute_type;
            choice.threads = arguments.threads;
            choice.context = arguments.context;
            choice.offline = arguments.offline;
            return worker::open_language_model(choice);
          }};
}

}  // namespace maie::cli
