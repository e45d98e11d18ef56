#include "export.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <map>

#include "places.h"
#include "ssmi/core/csv.h"
#include "ssmi/core/file.h"
#include "ssmi/model/tensor.h"

namespace ssmi::probe {
namespace {

std::string columns(int32_t leaf, const TokenPlace& place) {
  return fmt::format("{},{},{}", leaf, place.line, csv_field(place.text));
}

}  // namespace

void export_pairs(const std::filesystem::path& path, const PairSet& set, const Corpus& corpus,
                  const std::vector<code::Function>& functions) {
  std::string text =
      "part,row,label,path,line,function,first,first_line,first_text,second,second_line,"
      "second_text\n";
  const auto add = [&](const char* part, size_t row, const Pair& pair) {
    const ParsedFunction& parsed = corpus.functions[static_cast<size_t>(pair.function)];
    const code::Function& function = functions[parsed.index];
    text += fmt::format(
        "{},{},{},{},{},{},{},{}\n", part, row, set.task->labels[static_cast<size_t>(pair.label)],
        csv_field(function.path), function.line, csv_field(function.name),
        columns(pair.first, place_of(parsed, function, pair.first)),
        pair.second == pair.first ? ",,"
                                  : columns(pair.second, place_of(parsed, function, pair.second)));
  };
  const std::vector<Pair> training = set.training();
  const size_t trained = set.part(Part::kTrain).size();
  for (size_t row = 0; row < training.size(); ++row)
    add(row < trained ? "train" : "validation", row, training[row]);
  const std::vector<Pair>& test = set.part(Part::kTest);
  for (size_t row = 0; row < test.size(); ++row)
    add("test", row, test[row]);
  write_file(path, text);
}

void export_vectors(const std::filesystem::path& path, const PairSet& set, const LeafSlots& slots,
                    const at::Tensor& vectors, const std::map<std::string, std::string>& metadata) {
  std::map<std::string, at::Tensor> parts;
  const auto add = [&](const std::string& part, const std::vector<Pair>& pairs) {
    parts[part + "_x"] = pair_vectors(pairs, *set.task, slots, vectors).contiguous();
    std::vector<int64_t> labels;
    for (const Pair& pair : pairs) {
      const std::string& label = set.task->labels[static_cast<size_t>(pair.label)];
      labels.push_back(label_number(label).value_or(pair.label));
    }
    parts[part + "_y"] = at::tensor(labels, at::kLong);
  };
  add("train", set.training());
  add("test", set.part(Part::kTest));
  model::write_tensors(path, parts, metadata);
}

}  // namespace ssmi::probe
