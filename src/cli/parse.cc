#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "commands.h"
#include "source.h"
#include "ssmi/code/relations.h"
#include "ssmi/core/error.h"
#include "ssmi/core/json.h"

namespace ssmi::cli {
namespace {

using code::Edge;
using code::Leaf;
using code::Relation;

struct Options {
  std::string file;
  std::string relation;  // empty: leaves only
  std::string language;  // empty: by the file's extension
  bool json = false;
};

Relation relation_of(const std::string& wanted) {
  for (const Relation relation : code::kRelations) {
    if (code::name(relation) == wanted) return relation;
  }
  return Relation::kDistance;  // the option takes no other name
}

Json label(Relation relation, const Edge& edge) {
  if (relation == Relation::kDistance) return edge.label;
  if (relation == Relation::kSiblings) return "sibling";
  return edge.label == code::kComesFrom ? "comesFrom" : "computedFrom";
}

void print_json(const Options& options, const code::SyntaxTree& tree, const code::Leaves& leaves,
                const std::vector<Edge>& edges) {
  Json report{{"schema", "ssmi/parse/1"},
              {"language", tree.language().name()},
              {"grammar", tree.language().version()},
              {"leaves", Json::array()}};
  for (const Leaf& leaf : leaves.all()) {
    report["leaves"].push_back({{"begin", leaf.begin},
                                {"end", leaf.end},
                                {"type", leaf.type},
                                {"text", tree.text(leaf.begin, leaf.end)}});
  }
  if (!options.relation.empty()) {
    const Relation relation = relation_of(options.relation);
    report["relation"] = options.relation;
    Json& list = report["edges"] = Json::array();
    for (const Edge& edge : edges)
      list.push_back({edge.from, edge.to, label(relation, edge)});
  }
  std::cout << to_text(report) << '\n';
}

std::string known_extensions() {
  std::string known;
  for (const code::Language* language : code::Language::all()) {
    for (const std::string_view extension : language->extensions()) {
      if (code::Language::of_path(fmt::format("x{}", extension)) == language) {
        known += fmt::format(" {}", extension);
      }
    }
  }
  return known;
}

/// A leaf by number, text and place.
std::string described(const code::SyntaxTree& tree, const code::LineIndex& lines, const Leaf& leaf,
                      int32_t index) {
  const code::Position place = lines.at(leaf.begin);
  return fmt::format("{} {} {}:{}", index, shown(tree.text(leaf.begin, leaf.end)), place.line,
                     place.column);
}

void print_edges(Relation relation, const code::SyntaxTree& tree, const code::Leaves& leaves,
                 const std::vector<Edge>& edges) {
  const code::LineIndex lines(tree.source());
  std::cout << fmt::format("{:<36} {:<12} {}\n", "leaf (number, text, place)", "relation", "leaf");
  for (const Edge& edge : edges) {
    const Json value = label(relation, edge);
    std::cout << fmt::format("{:<36} {:<12} {}\n",
                             described(tree, lines, leaves[edge.from], edge.from),
                             value.is_string() ? value.get<std::string>() : value.dump(),
                             described(tree, lines, leaves[edge.to], edge.to));
  }
}

void print_leaves(const code::SyntaxTree& tree, const code::Leaves& leaves) {
  const code::LineIndex lines(tree.source());
  std::cout << fmt::format("{:>5} {:>15} {:>10}  {:<20} {}\n", "leaf", "bytes", "line:col", "type",
                           "text");
  for (int32_t i = 0; i < leaves.size(); ++i) {
    const Leaf& leaf = leaves[i];
    const code::Position place = lines.at(leaf.begin);
    std::cout << fmt::format("{:>5} {:>15} {:>10}  {:<20} {}\n", i,
                             fmt::format("{}..{}", leaf.begin, leaf.end),
                             fmt::format("{}:{}", place.line, place.column), leaf.type,
                             shown(tree.text(leaf.begin, leaf.end)));
  }
}

const code::Language& language_of(const Options& options) {
  if (!options.language.empty()) return code::Language::named(options.language);
  if (options.file == "-") return code::Language::python();
  const code::Language* language = code::Language::of_path(options.file);
  if (language == nullptr) {
    fail(ExitCode::kUsage, "{}: its extension names no language, known are{}; or give --language",
         options.file, known_extensions());
  }
  return *language;
}

void run(const Options& options) {
  std::string source = read_source(options.file, code::SyntaxTree::kMaxBytes);
  const code::SyntaxTree tree(std::move(source), language_of(options));
  tree.require_valid(options.file == "-" ? "standard input" : options.file);
  const code::Leaves leaves(tree);
  std::vector<Edge> edges;
  if (!options.relation.empty()) {
    edges = code::edges(tree, leaves, relation_of(options.relation));
  }
  if (options.json) {
    print_json(options, tree, leaves, edges);
  } else if (options.relation.empty()) {
    print_leaves(tree, leaves);
  } else {
    print_edges(relation_of(options.relation), tree, leaves, edges);
  }
}

}  // namespace

void add_parse(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("parse", "Show the tokens of a source file and how they are related");
  command->add_option("file", options->file, "Source file; - reads standard input")
      ->required()
      ->type_name("FILE|-");
  command
      ->add_option("--relation", options->relation,
                   "Also give the edges of: distance (tree path of at most 6), siblings (same "
                   "motif), dfg (data flow)")
      ->check(CLI::IsMember({"distance", "siblings", "dfg"}))
      ->type_name("NAME");
  add_language_option(*command, options->language,
                      "Language of the source (default: by the extension; Python for -)");
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
