#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssmi::probe {

/// What is asked of pairs of leaves, or of leaves alone. The first three are those of Anand et al.
/// 2024, as used by SSM-Interpret.
enum class Task : uint8_t {
  kDistance,
  kSiblings,
  kDataFlow,
  kNodeType,
  kParentType,
  kDepth,
  kRole,
  kDefinition,
};
inline constexpr std::array kTasks{Task::kDistance, Task::kSiblings,   Task::kDataFlow,
                                   Task::kNodeType, Task::kParentType, Task::kDepth,
                                   Task::kRole,     Task::kDefinition};
std::string_view name(Task task);  ///< "distance", "siblings", "dfg", "node_type", ...

/// What a probe sees of a pair (a, b).
enum class Form : uint8_t {
  kDifference,     ///< h_a - h_b
  kConcatenation,  ///< [h_a; h_b]
  kToken,          ///< h_a: a leaf alone, in pairs that have it twice
};

struct TaskInfo {
  Task task;
  Form form;
  std::vector<std::string> labels;  ///< names; empty where they are the data's: frequent_labels()
  int64_t pairs_per_label;          ///< drawn by default
  bool needs_flow = false;          ///< only asked of languages whose data flow is known

  std::string_view name() const { return probe::name(task); }
  bool is_token() const { return form == Form::kToken; }
};

const TaskInfo& task_info(Task task);
/// What a task of that name is asked of, in a word: "pairs" or "tokens".
std::string_view items_of(std::string_view task);

/// The number that a label is; none for other names.
std::optional<int64_t> label_number(std::string_view label);
/// The order of labels: numbers by value, before other names.
bool label_before(std::string_view a, std::string_view b);

}  // namespace ssmi::probe
