#include "export.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <span>

#include "places.h"
#include "ssmi/core/csv.h"
#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"

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
  std::vector<at::Tensor> x;
  std::vector<std::vector<int64_t>> y;
  std::vector<io::TensorBytes> tensors;
  const auto add = [&](const std::string& part, const std::vector<Pair>& pairs) {
    const at::Tensor& matrix =
        x.emplace_back(pair_vectors(pairs, *set.task, slots, vectors).contiguous());
    std::vector<int64_t>& labels = y.emplace_back();
    for (const Pair& pair : pairs) {
      const std::string& label = set.task->labels[static_cast<size_t>(pair.label)];
      labels.push_back(label_number(label).value_or(pair.label));
    }
    tensors.push_back({part + "_x",
                       io::Dtype::kF64,
                       matrix.sizes().vec(),
                       {static_cast<const std::byte*>(matrix.const_data_ptr()), matrix.nbytes()}});
    tensors.push_back({part + "_y",
                       io::Dtype::kI64,
                       {static_cast<int64_t>(labels.size())},
                       std::as_bytes(std::span(labels))});
  };
  x.reserve(2);  // so that what the tensors point at stays where it is
  y.reserve(2);
  add("train", set.training());
  add("test", set.part(Part::kTest));
  io::write_safetensors(path, tensors, metadata);
}

}  // namespace ssmi::probe
