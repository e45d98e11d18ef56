#include "fuzz/input.h"
#include "ssmi/code/dataflow.h"
#include "ssmi/code/relations.h"

namespace {

using namespace ssmi;
using namespace ssmi::code;

/// Nodes in preorder, each within its parent, and leaves one behind another.
void check(const SyntaxTree& tree, const Leaves& leaves) {
  const auto& nodes = tree.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    if (node.begin_byte > node.end_byte || node.end_byte > tree.source().size()) std::abort();
    if (node.end <= static_cast<int32_t>(i)) std::abort();
    if (i == 0) continue;
    if (node.parent < 0 || node.parent >= static_cast<int32_t>(i)) std::abort();
    const Node& parent = nodes[static_cast<size_t>(node.parent)];
    if (node.end > parent.end || node.depth != parent.depth + 1) std::abort();
  }
  int64_t end = 0;
  for (const Leaf& leaf : leaves.all()) {
    if (leaf.begin < end || leaf.end < leaf.begin) std::abort();
    end = leaf.end;
  }
  if (end > static_cast<int64_t>(tree.source().size())) std::abort();
}

}  // namespace

/// The first byte is the language, the others are a program, which need not parse.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMost = 2048;  // more would ask for the memory of a million edges
  if (size == 0 || size > kMost) return 0;
  const auto languages = Language::all();
  const Language& language = *languages[data[0] % languages.size()];
  return fuzz::taken_or_refused([&] {
    const SyntaxTree tree(std::string(reinterpret_cast<const char*>(data) + 1, size - 1), language);
    const Leaves leaves(tree);
    check(tree, leaves);
    for (const Relation relation : kRelations) {
      if (relation == Relation::kDataFlow && language.flow_rules() == FlowRules::kNone) continue;
      for (const Edge& edge : edges(tree, leaves, relation)) {
        const int32_t count = leaves.size();
        if (edge.from < 0 || edge.from >= count || edge.to < 0 || edge.to >= count) std::abort();
      }
    }
  });
}
