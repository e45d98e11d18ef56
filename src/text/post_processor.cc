#include "post_processor.h"

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::text {
namespace {

/// The id of a ["token", id] pair.
int64_t marker(const JsonObject& json, const std::string& key) {
  const Json& pair = json.at(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number_integer() ||
      pair[1].get<int64_t>() < 0 || pair[1].get<int64_t>() > kMaxId) {
    bad_input("{}: '{}' should be a token and its id", json.where(), key);
  }
  return pair[1].get<int64_t>();
}

void read_template(const JsonObject& json, PostProcessor& out) {
  const Json& single = json.at("single");
  const JsonObject special(json.at("special_tokens"), json.where() + ": special_tokens");
  if (!single.is_array()) bad_input("{}: 'single' should be a list", json.where());
  int sequences = 0;
  for (const Json& piece : single) {
    const JsonObject object(piece, json.where() + ": single");
    if (object.has("Sequence")) {
      const JsonObject sequence(object.at("Sequence"), object.where());
      if (sequence.string("id") != "A" || ++sequences > 1) {
        bad_input("{}: TemplateProcessing should hold the text once", json.where());
      }
      continue;
    }
    const JsonObject token(object.at("SpecialToken"), object.where());
    const JsonObject entry(special.at(token.string("id")), special.where());
    for (const int64_t id : entry.integers("ids", 0, kMaxId))
      (sequences == 0 ? out.before : out.after).push_back(id);
  }
  if (sequences == 0) bad_input("{}: TemplateProcessing should hold the text once", json.where());
}

void read_into(const Json& json, const std::string& where, int depth, PostProcessor& out) {
  if (json.is_null()) return;
  const JsonObject object(json, where + ": post_processor");
  const std::string type = object.string("type");
  // The reference treats markers, before and behind a text, as texts of their own.
  const auto require_no_markers = [&] {
    if (!out.before.empty() || !out.after.empty()) {
      bad_input("{}: post_processor {} behind markers is not supported", where, type);
    }
  };
  const auto trim = [&] {
    if (!object.boolean("trim_offsets")) return;
    require_no_markers();
    out.trims.push_back(object.boolean("add_prefix_space"));
  };
  if (type == "Sequence") {
    if (depth > 8) bad_input("{}: post_processors nested more than 8 deep", where);
    const Json& steps = object.at("processors");
    if (!steps.is_array()) bad_input("{}: processors should be a list", where);
    for (const Json& step : steps)
      read_into(step, where, depth + 1, out);
  } else if (type == "ByteLevel") {
    trim();
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    if (type == "RobertaProcessing") trim();
    require_no_markers();
    out.before = {marker(object, "cls")};
    out.after = {marker(object, "sep")};
  } else if (type == "TemplateProcessing") {
    require_no_markers();
    read_template(object, out);
  } else {
    bad_input("{}: post_processor '{}' is not supported", where, excerpt(type));
  }
}

}  // namespace

PostProcessor read_post_processor(const Json& json, const std::string& where) {
  PostProcessor out;
  read_into(json, where, 0, out);
  return out;
}

}  // namespace ssmi::text
