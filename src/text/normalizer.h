#pragma once

#include <memory>
#include <vector>

#include "aligned_text.h"
#include "ssmi/core/json.h"

namespace ssmi::text {

/// A step that rewrites a text before it is cut.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text) const = 0;
};

using Normalizers = std::vector<std::unique_ptr<const Normalizer>>;

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};
std::unique_ptr<const Normalizer> make_bert_normalizer(const BertNormalizerOptions& options);

/// "normalizer" of a tokenizer.json: its steps in order (none for null). `where` starts messages.
/// Throws Error{kBadInput} on what it lacks, and on every kind that is not supported, by name.
Normalizers read_normalizers(const Json& json, const std::string& where);

}  // namespace ssmi::text
