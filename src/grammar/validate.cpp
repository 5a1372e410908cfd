#include "grammar/validate.h"

#include <exception>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "grammar/schema_merge.h"

namespace maie::grammar {
namespace {

using Plain = nlohmann::json;  // what valijson's adapter takes

// The words of draft 2020-12 in draft 7. Only where a schema stands: below properties the names
// are the user's.
Plain to_draft7(const Json& schema, bool names_are_ours = true) {
  if (schema.is_array()) {
    Plain out = Plain::array();
    for (const auto& value : schema) out.push_back(to_draft7(value));
    return out;
  }
  if (!schema.is_object()) return Plain::parse(schema.dump());
  Plain out = Plain::object();
  const bool tuple = names_are_ours && schema.contains("prefixItems");
  for (const auto& [name, value] : schema.items()) {
    if (!names_are_ours) {
      out[name] = to_draft7(value);
    } else if (name == "enum" || name == "const" || name == "default" || name == "examples") {
      out[name] = Plain::parse(value.dump());
    } else if (name == "prefixItems") {
      out["items"] = to_draft7(value);
    } else if (name == "items" && tuple) {
      out["additionalItems"] = to_draft7(value);
    } else if (name == "nullable") {
      continue;
    } else if (name == "type" && json_bool(schema, "nullable", false)) {
      out["type"] =
          value.is_array() ? Plain::parse(value.dump()) : Plain::array({value.get<std::string>()});
      out["type"].push_back("null");
    } else {
      const bool names = name == "properties" || name == "$defs" || name == "definitions";
      out[name] = to_draft7(value, !names);
    }
  }
  return out;
}

std::string to_pointer(const std::vector<std::string>& context) {
  std::string out;  // valijson says "<root>", "[name]", "[3]"
  for (std::string step : context) {
    if (step == "<root>") continue;
    if (step.starts_with('[') && step.ends_with(']')) step = step.substr(1, step.size() - 2);
    out += pointer_step(step);
  }
  return out;
}

}  // namespace

Result<std::vector<Violation>> validate(const Json& schema, const Json& document, size_t limit) {
  // valijson throws on what it cannot read, so this is one of the walls that turn it into a Status.
  try {
    const Plain plain_schema = to_draft7(schema);
    const Plain plain_document = Plain::parse(document.dump());
    valijson::Schema compiled;
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(plain_schema), compiled);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    std::vector<Violation> out;
    if (validator.validate(compiled, valijson::adapters::NlohmannJsonAdapter(plain_document),
                           &results)) {
      return out;
    }
    valijson::ValidationResults::Error error;
    while (out.size() < limit && results.popError(error)) {
      out.push_back({to_pointer(error.context), error.description});
    }
    if (out.empty()) out.push_back({"", "does not keep the schema"});
    return out;
  } catch (const std::exception& e) {
    return invalid_input(std::string("valijson cannot read this schema: ") + e.what() +
                         "; check its $ref and the types of its keywords");
  }
}

}  // namespace maie::grammar
