#include "vocabulary_files.h"

#include <map>
#include <set>

#include "large_json.h"
#include "pipeline.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/text/vocabulary.h"
#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

namespace fs = std::filesystem;

std::string read_utf8(const fs::path& path) {
  std::string text = read_file(path, kMaxVocabularyFile);
  if (ValidText(text).text().data() != text.data()) {
    bad_input("{}: is not UTF-8", path.string());
  }
  return text;
}

/// Lines without their ends (\n or \r\n); no last empty one.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == text.npos) end = text.size();
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

/// What the small files beside a vocabulary say.
class Settings {
 public:
  explicit Settings(const fs::path& folder) {
    const fs::path added = folder / "added_tokens.json";
    if (fs::exists(added)) {
      bad_input("{}: tokens added beside a vocabulary are not supported; a tokenizer.json is",
                added.string());
    }
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
      const fs::path path = folder / name;
      if (!fs::exists(path)) continue;
      const std::string where = path.string();
      const Json json = parse_json(read_file(path, kMaxVocabularyFile), where);
      const JsonObject object(json, where);  // says what is wrong where it is no object
      for (const auto& [key, value] : json.items())
        values_[key] = {value, where};
    }
  }

  /// A special token's text, given as a string or as an object with "content".
  std::optional<std::string> token(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end() || found->second.first.is_null()) return std::nullopt;
    const auto& [value, where] = found->second;
    if (value.is_string()) return value.get<std::string>();
    return JsonObject(value, where + ": " + key).string("content");
  }

  bool flag(const std::string& key, bool otherwise) const {
    const auto found = values_.find(key);
    if (found == values_.end() || found->second.first.is_null()) return otherwise;
    if (!found->second.first.is_boolean()) {
      bad_input("{}: '{}' should be true or false", found->second.second, key);
    }
    return found->second.first.get<bool>();
  }

 private:
  std::map<std::string, std::pair<Json, std::string>> values_;
};

const std::vector<const char*> kSpecialKeys{"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};

/// RoBERTa's names, which its configs leave out when they are the usual ones.
const std::map<std::string, std::string> kRoberta{
    {"bos_token", "<s>"}, {"eos_token", "</s>"},  {"unk_token", "<unk>"},  {"sep_token", "</s>"},
    {"cls_token", "<s>"}, {"pad_token", "<pad>"}, {"mask_token", "<mask>"}};

bool is_roberta(const Settings& settings, const Json& config) {
  if (settings.token("cls_token") && settings.token("sep_token")) return true;
  static const std::set<std::string> kTypes{"roberta", "rocoder"};
  const auto type = config.is_object() ? config.find("model_type") : config.end();
  return type != config.end() && type->is_string() && kTypes.contains(type->get<std::string>());
}

Bpe::Merges read_merges_file(const std::string& text, const std::string& where) {
  Bpe::Merges merges;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("#version")) continue;
    merges.push_back(split_merge(line, merges.size(), where));
  }
  return merges;
}

}  // namespace

std::unique_ptr<Tokenizer> read_bpe_files(const fs::path& folder, const Json& config) {
  const fs::path vocabulary = folder / "vocab.json", merges = folder / "merges.txt";
  const std::string vocabulary_text = read_utf8(vocabulary), merges_text = read_utf8(merges);
  const Settings settings(folder);
  const std::string where = vocabulary.string();
  const TokenMap tokens = read_token_map(parse_large_json(vocabulary_text, where), where);
  const bool roberta = is_roberta(settings, config);
  const bool prefix = settings.flag("add_prefix_space", false);

  std::map<std::string, AddedToken> special;
  const auto named = [&](const std::string& key) {
    auto token = settings.token(key);
    if (!token && roberta) token = kRoberta.at(key);
    if (!token && key == "eos_token") token = "<|endoftext|>";
    return token;
  };
  for (const std::string key : kSpecialKeys) {
    const auto token = named(key);
    const auto id = token ? tokens.id(*token) : std::nullopt;
    if (!id) continue;
    AddedToken& entry = special[*token];
    entry.content = *token;
    entry.id = *id;
    entry.lstrip |= roberta && key == "mask_token";
  }
  const auto marker = [&](const std::string& key) {
    const auto found = special.find(*named(key));
    if (found == special.end()) {
      bad_input("{}: the vocabulary lacks '{}', the {}", where, excerpt(*named(key)), key);
    }
    return found->second.id;
  };

  Steps steps;
  if (roberta) steps.post = {{marker("cls_token")}, {marker("sep_token")}, {prefix}};
  std::vector<AddedToken> added;
  std::string rules = fmt::format("{} {}", roberta, prefix);
  for (const auto& [content, token] : special) {
    added.push_back(token);
    rules += fmt::format(" {} {}", token.id, token.lstrip);
  }
  steps.added = AddedTokens(added, steps.normalizers);
  add_byte_level(prefix, true, steps.pre_tokenizers);
  steps.model = std::make_unique<Bpe>(tokens, read_merges_file(merges_text, merges.string()),
                                      BpeOptions{}, where);
  steps.sha256 = sha256(fmt::format("{}\n{}\n{}", sha256(vocabulary_text), sha256(merges_text),
                                    rules + fmt::format(" {} {}", steps.post.before.size(),
                                                        roberta ? steps.post.before[0] : -1)));
  return std::make_unique<Pipeline>(std::move(steps));
}

std::unique_ptr<Tokenizer> read_wordpiece_file(const fs::path& folder) {
  const fs::path path = folder / "vocab.txt";
  const Settings settings(folder);
  WordPieceVocabulary words;
  words.tokens = lines_of(read_utf8(path));
  for (std::string& line : words.tokens) {
    while (!line.empty() && has(character_before(line, line.size()).code, property::kSpace))
      line.resize(line.size() - character_before(line, line.size()).size);
  }
  words.lowercase = settings.flag("do_lower_case", true);
  words.strip_accents = settings.flag("strip_accents", words.lowercase);
  words.chinese_apart = settings.flag("tokenize_chinese_chars", true);
  words.special.clear();
  const std::map<std::string, std::string> usual{{"unk_token", "[UNK]"},
                                                 {"sep_token", "[SEP]"},
                                                 {"pad_token", "[PAD]"},
                                                 {"cls_token", "[CLS]"},
                                                 {"mask_token", "[MASK]"}};
  for (const auto& [key, token] : usual)
    words.special.push_back(settings.token(key).value_or(token));
  words.unknown = settings.token("unk_token").value_or(words.unknown);
  words.cls = settings.token("cls_token").value_or(words.cls);
  words.sep = settings.token("sep_token").value_or(words.sep);
  return make_tokenizer(words, path.string());
}

}  // namespace ssmi::text
