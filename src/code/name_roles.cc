#include "ssmi/code/name_roles.h"

#include "name_rules.h"
#include "ssmi/code/dataflow.h"

namespace ssmi::code {

std::string_view name(NameRole role) {
  static constexpr std::array<std::string_view, kNameRoles.size()> kRoleNames{
      "definition", "parameter", "attribute", "call", "use"};
  return kRoleNames[static_cast<size_t>(role)];
}

NameRoles name_roles(const SyntaxTree& tree, const Leaves& leaves) {
  require_data_flow(tree.language());
  return tree.language().flow_rules() == FlowRules::kPython ? python_name_roles(tree, leaves)
                                                            : brace_name_roles(tree, leaves);
}

}  // namespace ssmi::code
