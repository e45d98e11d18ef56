#include "ssmi/code/syntax_tree.h"

#include <tree_sitter/api.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};
constexpr size_t kMaxFragment = size_t{1} << 20;

struct Input {
  std::string_view text;
  Clock::time_point deadline;
};

const char* read_input(void* payload, uint32_t offset, TSPoint, uint32_t* bytes_read) {
  const std::string_view text = static_cast<Input*>(payload)->text;
  *bytes_read = static_cast<uint32_t>(offset < text.size() ? text.size() - offset : 0);
  return text.data() + std::min<size_t>(offset, text.size());
}

bool out_of_time(TSParseState* state) {
  return Clock::now() > static_cast<Input*>(state->payload)->deadline;
}

using Tree = std::unique_ptr<TSTree, decltype(&ts_tree_delete)>;

Tree parse(std::string_view source, const Language& language) {
  const std::unique_ptr<TSParser, decltype(&ts_parser_delete)> parser(ts_parser_new(),
                                                                      ts_parser_delete);
  ts_parser_set_language(parser.get(), language.grammar());
  Input input{source, Clock::now() + kPatience};
  Tree tree(ts_parser_parse_with_options(parser.get(), nullptr,
                                         {&input, read_input, TSInputEncodingUTF8, nullptr},
                                         {&input, out_of_time}),
            ts_tree_delete);
  if (!tree) {
    bad_input("source of {} bytes was not parsed within {} s: is it {}?", source.size(),
              kPatience.count(), language.name());
  }
  return tree;
}

/// Owns a cursor.
class Cursor {
 public:
  explicit Cursor(const TSTree* tree) : cursor_(ts_tree_cursor_new(ts_tree_root_node(tree))) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() { ts_tree_cursor_delete(&cursor_); }
  bool to_first_child() { return ts_tree_cursor_goto_first_child(&cursor_); }
  bool to_next_sibling() { return ts_tree_cursor_goto_next_sibling(&cursor_); }
  bool to_parent() { return ts_tree_cursor_goto_parent(&cursor_); }
  TSNode node() const { return ts_tree_cursor_current_node(&cursor_); }
  TSFieldId field() const { return ts_tree_cursor_current_field_id(&cursor_); }

 private:
  TSTreeCursor cursor_;
};

/// Appends every node in preorder; gives the byte at which the first error stands, if any.
std::optional<int64_t> flatten(const TSTree* tree, std::vector<Node>& nodes) {
  std::optional<int64_t> error;
  Cursor cursor(tree);
  int32_t parent = -1;
  int32_t depth = 0;
  const auto close = [&] {  // the subtree of `parent` is complete
    Node& node = nodes[static_cast<size_t>(parent)];
    node.end = static_cast<int32_t>(nodes.size());
    parent = node.parent;
    --depth;
  };
  for (;;) {
    const TSNode node = cursor.node();
    const auto index = static_cast<int32_t>(nodes.size());
    nodes.push_back({ts_node_start_byte(node), ts_node_end_byte(node), parent, index + 1, depth,
                     ts_node_symbol(node), cursor.field()});
    // An ERROR at the root only says that there is one; what is inside says where.
    if (!error && depth > 0 && (ts_node_is_error(node) || ts_node_is_missing(node))) {
      error = ts_node_start_byte(node);
    }
    if (cursor.to_first_child()) {
      parent = index;
      ++depth;
      continue;
    }
    while (!cursor.to_next_sibling()) {
      if (!cursor.to_parent()) return error;
      close();
    }
  }
}

/// The nodes of `all` that lie in bytes [from, to) of a wrapped text, below a root of their own, as
/// if there were no text around them. Nothing where a node crosses an end: the text around it is
/// then not what it is meant to be.
std::optional<std::vector<Node>> unwrapped(const std::vector<Node>& all, uint32_t from,
                                           uint32_t to) {
  std::vector<Node> nodes{all[0]};
  nodes[0].begin_byte = 0;
  nodes[0].end_byte = to - from;
  const auto count = static_cast<int32_t>(all.size());
  for (int32_t n = 1; n < count;) {
    const Node& top = all[static_cast<size_t>(n)];
    const bool outside = top.end_byte <= from || top.begin_byte >= to;
    const bool around = top.begin_byte <= from && top.end_byte >= to;
    if (top.begin_byte < from || top.end_byte > to) {
      if (!outside && !around) return std::nullopt;
      ++n;
      continue;
    }
    const int32_t shift = static_cast<int32_t>(nodes.size()) - n;
    for (const int32_t first = n; n < top.end; ++n) {
      Node node = all[static_cast<size_t>(n)];
      node.begin_byte -= from;
      node.end_byte -= from;
      node.depth -= top.depth - 1;
      node.end += shift;
      node.parent = n == first ? 0 : node.parent + shift;
      if (n == first) node.field = 0;
      nodes.push_back(node);
    }
  }
  nodes[0].end = static_cast<int32_t>(nodes.size());
  return nodes;
}

}  // namespace

LineIndex::LineIndex(std::string_view text) : starts_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(static_cast<int64_t>(i) + 1);
  }
}

Position LineIndex::at(int64_t byte) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), byte);
  return {after - starts_.begin(), 1 + byte - *(after - 1)};
}

SyntaxTree::SyntaxTree(std::string source, const Language& language)
    : source_(std::move(source)), language_(language) {
  if (source_.size() > kMaxBytes) {
    bad_input("source has {} bytes, expected at most {}", source_.size(), kMaxBytes);
  }
  const Tree tree = parse(source_, language);
  const auto error = flatten(tree.get(), nodes_);
  if (ts_node_has_error(ts_tree_root_node(tree.get())) && !parse_as_fragment()) {
    error_ = LineIndex(source_).at(error.value_or(0));
  }
}

bool SyntaxTree::parse_as_fragment() {
  if (source_.size() > kMaxFragment) return false;
  for (const Wrapper& wrapper : language_.wrappers()) {
    const std::string text = fmt::format("{}{}{}", wrapper.before, source_, wrapper.after);
    const Tree tree = parse(text, language_);
    if (ts_node_has_error(ts_tree_root_node(tree.get()))) continue;
    std::vector<Node> all;
    flatten(tree.get(), all);
    const auto from = static_cast<uint32_t>(wrapper.before.size());
    auto nodes = unwrapped(all, from, from + static_cast<uint32_t>(source_.size()));
    if (!nodes) continue;
    nodes_ = std::move(*nodes);
    return true;
  }
  return false;
}

void SyntaxTree::require_valid(const std::string& where) const {
  if (!error_) return;
  bad_input("{}:{}:{}: does not parse as {} from here on", where, error_->line, error_->column,
            language_.name());
}

std::string_view SyntaxTree::text(int64_t begin, int64_t end) const {
  return std::string_view(source_).substr(static_cast<size_t>(begin),
                                          static_cast<size_t>(end - begin));
}

std::vector<int32_t> SyntaxTree::children(int32_t node) const {
  std::vector<int32_t> children;
  for (int32_t child = node + 1; child < at(node).end; child = at(child).end) {
    children.push_back(child);
  }
  return children;
}

int32_t SyntaxTree::child(int32_t node, std::string_view field) const {
  const uint16_t wanted = language_.field(field);
  for (int32_t child = node + 1; wanted != 0 && child < at(node).end; child = at(child).end) {
    if (at(child).field == wanted) return child;
  }
  return -1;
}

}  // namespace ssmi::code
