#include "vocabulary_files.h"

#include <algorithm>
#include <charconv>
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
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", kAddedTokens}) {
      const fs::path path = folder / name;
      if (!fs::exists(path)) continue;
      const std::string where = path.string();
      const Json json = parse_json(read_file(path, kMaxVocabularyFile), where);
      const JsonObject object(json, where);  // says what is wrong where it is no object
      if (name == kAddedTokens) {
        values_[name] = {json, where};
        continue;
      }
      for (const auto& [key, value] : json.items())
        values_[key] = {value, where};
    }
  }

  /// The tokenizer_class, fast or not; empty where none is named.
  std::string class_name() const {
    const auto named = values_.find("tokenizer_class");
    if (named == values_.end() || !named->second.first.is_string()) return "";
    std::string name = named->second.first.get<std::string>();
    if (name.ends_with("Fast")) name.resize(name.size() - 4);
    return name;
  }

  /// Refuses what belongs to a tokenizer that cuts texts otherwise: `known` are the classes that
  /// cut them as the files are read, `types` the model_types whose tokenizers they are.
  void require_class(const fs::path& file, const Json& config, const std::set<std::string>& known,
                     const std::set<std::string>& types) const {
    if (const std::string name = class_name(); !name.empty()) {
      if (known.contains(name)) return;
      bad_input("{}: belongs to a {}, of which only a tokenizer.json is read", file.string(),
                excerpt(name));
    }
    const auto type = config.is_object() ? config.find("model_type") : config.end();
    if (type == config.end() || !type->is_string() || types.contains(type->get<std::string>()))
      return;
    bad_input("{}: a tokenizer of '{}' is read from a tokenizer.json alone", file.string(),
              excerpt(type->get<std::string>()));
  }

  /// Special tokens beyond those that have a role, each with its id where that is given: those of
  /// additional_special_tokens, added_tokens_decoder and added_tokens.json.
  std::vector<AddedToken> more_tokens() const {
    std::vector<AddedToken> tokens;
    const auto add = [&](const Json& json, const std::string& where, int64_t id) {
      if (json.is_string()) return tokens.push_back({json.get<std::string>(), id});
      const JsonObject object(json, where);
      const auto set = [&](const char* key) { return object.has(key) && object.boolean(key); };
      tokens.push_back({.content = object.string("content"),
                        .id = id,
                        .single_word = set("single_word"),
                        .lstrip = set("lstrip"),
                        .rstrip = set("rstrip")});
    };
    if (const auto found = values_.find(kAddedTokens); found != values_.end()) {
      const auto& [ids, where] = found->second;
      for (const auto& [content, id] : ids.items())
        tokens.push_back({content, JsonObject(ids, where).integer(content, 0, kMaxId)});
    }
    for (const char* key : {"additional_special_tokens", "added_tokens_decoder"}) {
      const auto found = values_.find(key);
      if (found == values_.end() || found->second.first.is_null()) continue;
      const auto& [list, where] = found->second;
      if (!list.is_structured()) bad_input("{}: '{}' should hold tokens", where, key);
      for (const auto& [name, token] : list.items())
        add(token, where + ": " + key, list.is_object() ? id_of(name, where) : -1);
    }
    return tokens;
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
  static constexpr const char* kAddedTokens = "added_tokens.json";

  static int64_t id_of(const std::string& text, const std::string& where) {
    int64_t id = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size() || id < 0 || id > kMaxId) {
      bad_input("{}: added_tokens_decoder: '{}' is no id", where, excerpt(text));
    }
    return id;
  }

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

/// Whose vocab.json and merges.txt are GPT-2's or RoBERTa's: theirs, and those of this project.
const std::set<std::string> kBpeTypes{"gpt2",    "roberta", "rocoder", "bigs",
                                      "codessm", "s4d",     "bimamba"};

/// Classes that put add_prefix_space over what their tokenizer.json says.
const std::set<std::string> kPrefixClasses{"GPT2Tokenizer", "RobertaTokenizer", "GPTNeoXTokenizer"};

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
  settings.require_class(vocabulary, config, {"GPT2Tokenizer", "RobertaTokenizer"}, kBpeTypes);
  for (const char* key : {"add_bos_token", "add_eos_token"}) {
    if (settings.flag(key, false)) {
      bad_input("{}: '{}' is true, which is read from a tokenizer.json alone", vocabulary.string(),
                key);
    }
  }
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
    if (!id && settings.token(key)) {
      bad_input("{}: lacks '{}', the {}; tokens beside a vocabulary are read from a tokenizer.json",
                where, excerpt(*token), key);
    }
    if (!id) continue;
    AddedToken& entry = special[*token];
    entry.content = *token;
    entry.id = *id;
    entry.lstrip |= roberta && key == "mask_token";
  }
  for (const AddedToken& token : settings.more_tokens()) {
    const auto id = tokens.id(token.content);
    if (!id || (token.id >= 0 && token.id != *id)) {
      bad_input(
          "{}: lacks the special token '{}'; a vocabulary with tokens beside it is read from a "
          "tokenizer.json alone",
          where, excerpt(token.content));
    }
    const auto [place, is_new] = special.try_emplace(token.content, token);
    if (is_new) place->second.id = *id;
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
    rules += fmt::format(" {} {} {} {}", token.id, token.lstrip, token.rstrip, token.single_word);
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

void require_as_added(const fs::path& folder, const Tokenizer& tokenizer) {
  const Settings settings(folder);
  const auto ids = [&](std::string_view text) {
    return tokenizer.encode(text, Markers::kNone).ids;
  };
  for (const AddedToken& token : settings.more_tokens()) {
    const std::vector<int64_t> found = ids(token.content);
    const bool alone = found.size() == 1 && tokenizer.token(found[0]) == token.content;
    if (alone && (token.id < 0 || token.id == found[0])) continue;
    bad_input(
        "{}: does not add '{}', which a file beside it does; save the tokenizer again with the "
        "library it was made with",
        (folder / "tokenizer.json").string(), excerpt(token.content));
  }
  const bool prefix = ids("a") == ids(" a");
  if (kPrefixClasses.contains(settings.class_name()) &&
      settings.flag("add_prefix_space", prefix) != prefix) {
    bad_input("{}: puts {} space before a text; tokenizer_config.json says otherwise",
              (folder / "tokenizer.json").string(), prefix ? "a" : "no");
  }
}

std::unique_ptr<Tokenizer> read_wordpiece_file(const fs::path& folder, const Json& config) {
  const fs::path path = folder / "vocab.txt";
  const Settings settings(folder);
  settings.require_class(path, config, {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"},
                         {"bert", "rocoder", "bigs", "codessm", "s4d", "bimamba"});
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
  for (const AddedToken& token : settings.more_tokens()) {
    const auto found = std::ranges::find(words.tokens, token.content);
    const bool there =
        found != words.tokens.end() && (token.id < 0 || token.id == found - words.tokens.begin());
    if (!there || token.lstrip || token.rstrip || token.single_word) {
      bad_input("{}: the special token '{}' is read from a tokenizer.json alone", path.string(),
                excerpt(token.content));
    }
    words.special.push_back(token.content);
  }
  words.unknown = settings.token("unk_token").value_or(words.unknown);
  words.cls = settings.token("cls_token").value_or(words.cls);
  words.sep = settings.token("sep_token").value_or(words.sep);
  return make_tokenizer(words, path.string());
}

}  // namespace ssmi::text
