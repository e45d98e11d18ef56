#include "ssmi/analysis/probe/task.h"

#include <algorithm>
#include <charconv>

#include "ssmi/code/name_roles.h"

namespace ssmi::probe {
namespace {

std::vector<std::string> role_names() {
  std::vector<std::string> names;
  for (const code::NameRole role : code::kNameRoles)
    names.emplace_back(code::name(role));
  return names;
}

}  // namespace

std::string_view name(Task task) {
  static constexpr std::array<std::string_view, kTasks.size()> kNames{
      "distance", "siblings", "dfg", "node_type", "parent_type", "depth", "role", "definition"};
  return kNames[static_cast<size_t>(task)];
}

const TaskInfo& task_info(Task task) {
  static const std::array<TaskInfo, kTasks.size()> kInfo{
      TaskInfo{Task::kDistance, Form::kDifference, {"2", "3", "4", "5", "6"}, 1300},
      TaskInfo{Task::kSiblings, Form::kConcatenation, {"0", "1"}, 1500},
      TaskInfo{Task::kDataFlow, Form::kConcatenation, {"-1", "0", "1"}, 1500, true},
      TaskInfo{Task::kNodeType, Form::kToken, {}, 1200},
      TaskInfo{Task::kParentType, Form::kToken, {}, 500},
      TaskInfo{Task::kDepth, Form::kToken, {}, 500},
      TaskInfo{Task::kRole, Form::kToken, role_names(), 1200, true},
      TaskInfo{Task::kDefinition, Form::kConcatenation, {"0", "1"}, 1500, true},
  };
  return kInfo[static_cast<size_t>(task)];
}

std::string_view items_of(std::string_view task) {
  const bool is_token = std::ranges::any_of(
      kTasks, [&](Task one) { return name(one) == task && task_info(one).is_token(); });
  return is_token ? "tokens" : "pairs";
}

std::optional<int64_t> label_number(std::string_view label) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (error != std::errc() || end != label.data() + label.size()) return std::nullopt;
  return value;
}

bool label_before(std::string_view a, std::string_view b) {
  const auto of_a = label_number(a), of_b = label_number(b);
  if (of_a && of_b && *of_a != *of_b) return *of_a < *of_b;
  if (of_a.has_value() != of_b.has_value()) return of_a.has_value();
  return a < b;
}

}  // namespace ssmi::probe
