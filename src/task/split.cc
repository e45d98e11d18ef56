#include "ssmi/task/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ssmi/core/hash.h"

namespace ssmi::task {

std::vector<bool> held_out(std::span<const Group> groups, uint64_t seed) {
  std::vector<std::pair<std::string, size_t>> order;
  double bytes = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    order.emplace_back(sha256(fmt::format("{}:{}", seed, groups[i].name)), i);
    bytes += static_cast<double>(groups[i].bytes);
  }
  std::ranges::sort(order);

  std::vector<bool> out(groups.size());
  double left = kHeldOutShare * bytes;
  bool any = false;
  for (const auto& [hash, i] : order) {
    if (static_cast<double>(groups[i].bytes) > left) continue;
    left -= static_cast<double>(groups[i].bytes);
    out[i] = any = true;
  }
  if (!any && groups.size() > 1) {
    const auto bytes_of = [&](const auto& entry) { return groups[entry.second].bytes; };
    out[std::ranges::min_element(order, {}, bytes_of)->second] = true;
  }
  return out;
}

}  // namespace ssmi::task
