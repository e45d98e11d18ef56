#include "ssmi/io/jsonl.h"

namespace ssmi::io {

std::optional<Json> JsonlReader::next() {
  while (const auto line = lines_.next()) {
    if (line->find_first_not_of(" \t") == line->npos) continue;
    Json record = parse_json(*line, where());
    JsonObject(record, where());  // refuses anything but an object
    return record;
  }
  return std::nullopt;
}

}  // namespace ssmi::io
