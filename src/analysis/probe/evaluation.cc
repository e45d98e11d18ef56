#include "ssmi/analysis/probe/evaluation.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "ssmi/task/bootstrap.h"

namespace ssmi::probe {
namespace {

void fill_label_accuracies(Evaluation& result) {
  double sum = 0;
  int64_t counted = 0;
  for (size_t label = 0; label < result.confusion.size(); ++label) {
    const auto& row = result.confusion[label];
    const int64_t count = std::accumulate(row.begin(), row.end(), int64_t{0});
    if (count == 0) {
      result.per_label_accuracy.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    result.per_label_accuracy.push_back(static_cast<double>(row[label]) /
                                        static_cast<double>(count));
    sum += result.per_label_accuracy.back();
    ++counted;
  }
  if (counted > 0) result.mean_label_accuracy = sum / static_cast<double>(counted);
}

}  // namespace

Evaluation evaluate(const TestItems& test, std::span<const int64_t> predicted, size_t labels,
                    uint64_t seed, std::string_view stream) {
  Evaluation result;
  result.confusion.assign(labels, std::vector<int64_t>(labels, 0));
  std::vector<uint8_t> correct;
  int64_t right = 0;
  for (size_t i = 0; i < test.label.size(); ++i) {
    ++result.confusion[static_cast<size_t>(test.label[i])][static_cast<size_t>(predicted[i])];
    correct.push_back(predicted[i] == test.label[i] ? 1 : 0);
    right += correct.back();
  }
  fill_label_accuracies(result);
  if (test.label.empty()) return result;
  result.accuracy = static_cast<double>(right) / static_cast<double>(test.label.size());
  Random random(seed, fmt::format("bootstrap/{}", stream));
  const task::Interval interval = task::bootstrap_accuracy(correct, test.group, random);
  result.low = interval.low;
  result.high = interval.high;
  return result;
}

}  // namespace ssmi::probe
