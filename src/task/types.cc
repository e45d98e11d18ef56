#include "ssmi/task/types.h"

#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <optional>

#include "ssmi/code/align.h"
#include "ssmi/code/bindings.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/hash.h"
#include "ssmi/io/jsonl.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/task/corpus.h"

namespace ssmi::task {
namespace {

struct Target {
  std::string kind, name, type;
};

struct Row {
  std::string code;
  std::vector<Target> targets;
};

Target read_target(const Json& json, const std::string& where) {
  const bool is_triple =
      json.is_array() && json.size() == 3 &&
      std::ranges::all_of(json, [](const Json& part) { return part.is_string(); });
  if (!is_triple) {
    bad_input("{}: a target should be [kind, name, type], found {}", where, excerpt(json.dump()));
  }
  Target target{json[0].get<std::string>(), json[1].get<std::string>(),
                plain_type(json[2].get_ref<const std::string&>())};
  if (target.kind != "param" && target.kind != "return" && target.kind != "var") {
    bad_input("{}: a target's kind should be param, return or var, found '{}'", where,
              excerpt(target.kind));
  }
  return target;
}

/// Gives how many rows are of a package that is left out.
int64_t visit_rows(const std::filesystem::path& path, std::span<const std::string> excluded,
                   const std::function<void(Row)>& visit) {
  int64_t left_out = 0;
  io::JsonlReader reader(path);
  while (const auto json = reader.next()) {
    const JsonObject object(*json, reader.where());
    if (is_of(object, excluded)) {
      ++left_out;
      continue;
    }
    Row row{object.string("code"), {}};
    const Json& targets = object.at("targets");
    if (!targets.is_array()) bad_input("{}: 'targets' should be a list", reader.where());
    for (const Json& target : targets)
      row.targets.push_back(read_target(target, reader.where()));
    visit(std::move(row));
  }
  return left_out;
}

/// Where the names of a function are bound.
class Names {
 public:
  explicit Names(const std::string& code) : tree_(code) {
    for (const int32_t n : code::bindings(tree_))
      first_.emplace(text(n), n);
    function_ = code::first_function_name(tree_);
  }

  std::optional<text::Span> place(const Target& target) const {
    if (target.kind == "return") {
      if (function_ >= 0 && text(function_) == target.name) return span(function_);
    } else if (const auto found = first_.find(target.name); found != first_.end()) {
      return span(found->second);
    }
    return std::nullopt;
  }

 private:
  text::Span span(int32_t n) const {
    const code::Node& node = tree_.nodes()[static_cast<size_t>(n)];
    return {node.begin_byte, node.end_byte};
  }
  std::string text(int32_t n) const {
    const auto [begin, end] = span(n);
    return std::string(tree_.text(begin, end));
  }

  code::SyntaxTree tree_;
  std::map<std::string, int32_t> first_;
  int32_t function_ = -1;
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_name_character(char c) {
  return c == '_' || c == '.' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// Where the bracket that is open at `at` closes; npos where it does not.
size_t closing(std::string_view text, size_t at) {
  for (int depth = 0; at < text.size(); ++at) {
    if (text[at] == '[') ++depth;
    if (text[at] == ']' && --depth == 0) return at;
  }
  return text.npos;
}

void unfold_optional(std::string& type) {
  constexpr std::string_view kOptional = "Optional[";
  for (size_t at = 0; (at = type.find(kOptional, at)) != type.npos;) {
    const size_t close = closing(type, at + kOptional.size() - 1);
    if (close == type.npos || (at > 0 && is_name_character(type[at - 1]))) {
      ++at;
      continue;
    }
    type.replace(close, 1, "|None");
    type.erase(at, kOptional.size());
  }
}

}  // namespace

std::string plain_type(std::string_view type) {
  std::string plain;
  for (const char c : type)
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') plain.push_back(c);
  const auto quoted = [&](char quote) {
    return plain.size() > 2 && plain.front() == quote && plain.back() == quote;
  };
  if (quoted('\'') || quoted('"')) plain = plain.substr(1, plain.size() - 2);
  replace_all(plain, "typing.", "");
  constexpr std::array kBuiltIn{std::pair("List", "list"), std::pair("Dict", "dict"),
                                std::pair("Set", "set"), std::pair("Tuple", "tuple"),
                                std::pair("Type", "type")};
  for (const auto& [from, to] : kBuiltIn) {
    const std::string name(from);
    for (size_t at = plain.find(name); at != plain.npos; at = plain.find(name, at + 1)) {
      const size_t end = at + name.size();
      const bool whole = (at == 0 || !is_name_character(plain[at - 1])) &&
                         (end == plain.size() || !is_name_character(plain[end]));
      if (whole) plain.replace(at, name.size(), to);
    }
  }
  unfold_optional(plain);
  return plain;
}

std::vector<std::string> frequent_types(const std::filesystem::path& path, int64_t count,
                                        std::span<const std::string> excluded) {
  std::map<std::string, int64_t> counts;
  visit_rows(path, excluded, [&](const Row& row) {
    for (const Target& target : row.targets)
      ++counts[target.type];
  });
  if (counts.empty()) bad_input("{}: no row with a target", path.string());
  std::vector<std::pair<std::string, int64_t>> order(counts.begin(), counts.end());
  std::ranges::stable_sort(order, std::greater<>{}, [](const auto& entry) { return entry.second; });
  std::vector<std::string> classes;
  for (const auto& [type, times] : order) {
    if (static_cast<int64_t>(classes.size()) == count) break;
    if (type != kOtherType) classes.push_back(type);
  }
  classes.emplace_back(kOtherType);
  return classes;
}

TypedFunctions read_types(const std::filesystem::path& path, const text::Tokenizer& tokenizer,
                          const std::vector<std::string>& classes, int64_t length,
                          std::span<const std::string> excluded) {
  const auto index_of = [&](std::string_view type) {
    return static_cast<size_t>(std::ranges::find(classes, type) - classes.begin());
  };
  const size_t other = index_of(kOtherType);
  if (other == classes.size()) {
    fail(ExitCode::kMismatch, "none of the {} labels is '{}', the class of all further types",
         classes.size(), kOtherType);
  }
  TypedFunctions out;
  Sha256 hash;
  out.excluded = visit_rows(path, excluded, [&](const Row& row) {
    ++out.rows;
    hash.update(fmt::format("{}:{}", row.code.size(), row.code));
    const Names names(row.code);
    text::Encoding encoding = tokenizer.encode(row.code);
    encoding.ids.resize(std::min(encoding.ids.size(), static_cast<size_t>(length)));
    encoding.spans.resize(encoding.ids.size());
    TypedFunction function{std::move(encoding.ids), {}};
    for (const Target& target : row.targets) {
      ++out.targets;
      hash.update(fmt::format("{} {} {};", target.kind, target.name, target.type));
      const auto place = names.place(target);
      if (!place) {
        ++out.unplaced;
        continue;
      }
      const text::Span tokens = code::align(encoding.spans, std::span(&*place, 1)).front();
      if (tokens.begin == tokens.end) {
        ++out.cut_off;
        continue;
      }
      const size_t label = index_of(target.type);
      function.places.push_back({tokens.begin, tokens.end,
                                 static_cast<int64_t>(label == classes.size() ? other : label)});
    }
    if (!function.places.empty()) out.functions.push_back(std::move(function));
  });
  if (out.functions.empty()) {
    bad_input("{}: no annotated name found in {} rows", path.string(), out.rows);
  }
  out.sha256 = hash.finish();
  return out;
}

TypeBatch type_batch(std::span<const TypedFunction> functions) {
  std::vector<std::vector<int64_t>> rows;
  for (const TypedFunction& function : functions)
    rows.push_back(function.ids);
  TypeBatch out{model::pack(rows), {}, {}};
  std::vector<int64_t> labels;
  for (size_t row = 0; row < functions.size(); ++row) {
    const int64_t offset = out.batch.offsets[row];
    for (const auto& [begin, end, label] : functions[row].places) {
      out.places.push_back({offset + begin, offset + end, label});
      labels.push_back(label);
    }
  }
  out.labels = at::tensor(labels, at::kLong);
  return out;
}

at::Tensor place_means(const at::Tensor& x, std::span<const TypedPlace> places) {
  std::vector<at::Tensor> means;
  for (const TypedPlace& place : places)
    means.push_back(x.slice(0, place.begin, place.end).mean(0));
  return at::stack(means);
}

at::Tensor place_logits(const model::Model& model, const TypeBatch& batch, int64_t labels) {
  const model::ModelInfo info = model.info();
  if (std::ranges::find(info.sites, model::Site::kLogits) == info.sites.end()) {
    fail(ExitCode::kMismatch,
         "the model ({}) has no head that classifies tokens; known are those of bert, bigs, "
         "bimamba, codessm, gpt2, gpt_neox, llama, qwen2, roberta, rocoder and starcoder2",
         info.architecture);
  }
  const model::Batch there{batch.batch.ids.to(model.device()), batch.batch.offsets};
  const at::Tensor logits = model::value_at(model, there, {model::Site::kLogits, 0});
  if (logits.size(0) != batch.batch.ids.numel() || logits.size(1) != labels) {
    fail(ExitCode::kMismatch,
         "the model's head ({}) gives [{}, {}] for {} tokens and {} labels: it does not classify "
         "tokens",
         info.architecture, logits.size(0), logits.size(1), batch.batch.ids.numel(), labels);
  }
  return place_means(logits, batch.places);
}

}  // namespace ssmi::task
