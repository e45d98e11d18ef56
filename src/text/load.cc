#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/text/tokenizer.h"
#include "tokenizer_json.h"
#include "vocabulary_files.h"

namespace ssmi::text {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder, const Json& config) {
  const std::string where = (folder / "config.json").string();
  const JsonObject object(config, where);
  if (object.has("tokenizer")) {
    const std::string name = object.string("tokenizer");
    if (name == "bytes") return std::make_unique<ByteTokenizer>();
    bad_input("{}: unknown tokenizer '{}'; tokenizers known: \"bytes\"", where, excerpt(name));
  }
  const auto there = [&](const char* name) { return std::filesystem::exists(folder / name); };
  if (there("tokenizer.json")) {
    const auto path = folder / "tokenizer.json";
    auto tokenizer = read_tokenizer_json(read_file(path, kMaxVocabularyFile), path.string());
    require_as_added(folder, *tokenizer);
    return tokenizer;
  }
  if (there("vocab.json") != there("merges.txt")) {
    bad_input("{}: is beside no {}; byte-level BPE needs both",
              (folder / (there("vocab.json") ? "vocab.json" : "merges.txt")).string(),
              there("vocab.json") ? "merges.txt" : "vocab.json");
  }
  if (there("vocab.json")) return read_bpe_files(folder, config);
  if (there("vocab.txt")) return read_wordpiece_file(folder, config);
  if (there("tokenizer.model")) {
    bad_input("{}: SentencePiece models are not supported; convert it to a tokenizer.json",
              (folder / "tokenizer.model").string());
  }
  bad_input(
      "{}: no tokenizer: neither tokenizer.json, vocab.json with merges.txt, vocab.txt, nor "
      "\"tokenizer\": \"bytes\" in config.json",
      folder.string());
}

std::unique_ptr<Tokenizer> load_tokenizer(const io::Checkpoint& checkpoint) {
  if (checkpoint.tokenizer_path != checkpoint.folder) {
    return load_gguf_tokenizer(checkpoint.tokenizer_path);
  }
  return load_tokenizer(checkpoint.folder, checkpoint.config);
}

TextFiles read_tokenizer_files(const std::filesystem::path& folder) {
  TextFiles files;
  for (const char* name :
       {"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json",
        "special_tokens_map.json", "tokenizer_config.json"}) {
    const auto path = folder / name;
    if (std::filesystem::exists(path)) files[name] = read_file(path, kMaxVocabularyFile);
  }
  return files;
}

}  // namespace ssmi::text
