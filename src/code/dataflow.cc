#include "ssmi/code/dataflow.h"

#include "flow_walk.h"
#include "ssmi/core/error.h"

namespace ssmi::code {

void require_data_flow(const Language& language) {
  if (language.flow_rules() != FlowRules::kNone) return;
  std::string known;
  for (const Language* other : Language::all()) {
    if (other->flow_rules() == FlowRules::kNone) continue;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", other->name());
  }
  fail(ExitCode::kMismatch,
       "data flow (dfg) and what names stand for are known for {}, not for {}: ask for something "
       "else",
       known, language.name());
}

std::vector<Edge> data_flow(const SyntaxTree& tree, const Leaves& leaves) {
  require_data_flow(tree.language());
  return tree.language().flow_rules() == FlowRules::kPython ? python_flow(tree, leaves)
                                                            : brace_flow(tree, leaves);
}

}  // namespace ssmi::code
