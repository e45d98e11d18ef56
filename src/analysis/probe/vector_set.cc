#include "ssmi/analysis/probe/vector_set.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "ssmi/analysis/probe/task.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/hash.h"
#include "ssmi/io/lines.h"
#include "ssmi/io/npy.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/tensor.h"

namespace ssmi::probe {
namespace {

namespace fs = std::filesystem;

/// Of what is larger, or smaller than its inverse, the squares' sums would not be exact.
constexpr double kLargest = 1e100;

/// A part as it is read: vectors, and a label each.
struct RawPart {
  at::Tensor x;
  std::vector<std::string> y;
  std::string where;
};

RawPart part_of_tensors(const io::TensorView& x, const io::TensorView& y, std::string where) {
  const at::Tensor vectors = model::tensor_of(x), labels = model::tensor_of(y);
  if (vectors.dim() != 2 || !vectors.is_floating_point()) {
    bad_input("{}_x: expected a matrix of a floating type, found {} with {} dimensions", where,
              io::dtype_name(x.dtype), vectors.dim());
  }
  if (labels.dim() != 1 || !at::isIntegralType(labels.scalar_type(), /*includeBool=*/true)) {
    bad_input("{}_y: expected a row of integers, found {} with {} dimensions", where,
              io::dtype_name(y.dtype), labels.dim());
  }
  RawPart part{vectors, {}, std::move(where)};
  const at::Tensor numbers = labels.to(at::kLong).contiguous();
  if (y.dtype == io::Dtype::kU64 && numbers.numel() > 0 && numbers.min().item<int64_t>() < 0) {
    bad_input("{}_y: a label beyond the range of int64", part.where);
  }
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    part.y.push_back(std::to_string(numbers.const_data_ptr<int64_t>()[i]));
  }
  return part;
}

/// The numbers of a line, between spaces or tabs, behind those that are there.
void append_numbers(std::string_view line, const std::string& where, std::vector<double>& values) {
  constexpr std::string_view kSpace = " \t";
  for (size_t at = line.find_first_not_of(kSpace); at != std::string_view::npos;
       at = line.find_first_not_of(kSpace, at)) {
    const char* first = line.data() + at + (line[at] == '+' ? 1 : 0);
    const auto [end, error] =
        std::from_chars(first, line.data() + line.size(), values.emplace_back());
    const std::string_view rest = line.substr(static_cast<size_t>(first - line.data()));
    at = static_cast<size_t>(end - line.data());
    if (error == std::errc::result_out_of_range) {
      bad_input("{}: a number beyond the range of float64 at '{}'", where, excerpt(rest));
    }
    if (error != std::errc() || (at < line.size() && kSpace.find(line[at]) == kSpace.npos)) {
      bad_input("{}: no number at '{}'", where, excerpt(rest));
    }
  }
}

at::Tensor read_embeddings(const fs::path& path) {
  io::LineReader lines(path);
  std::vector<double> values;
  size_t rows = 0, columns = 0;
  while (const auto line = lines.next()) {
    append_numbers(*line, lines.where(), values);
    if (rows++ == 0) columns = values.size();
    if (columns == 0 || values.size() != rows * columns) {
      bad_input("{}: {} numbers, expected {} as in line 1", lines.where(),
                values.size() - (rows - 1) * columns, columns);
    }
  }
  return at::tensor(values, at::kDouble)
      .view({static_cast<int64_t>(rows), static_cast<int64_t>(columns)});
}

std::vector<std::string> read_entities(const fs::path& path) {
  io::LineReader lines(path);
  std::vector<std::string> labels;
  while (const auto line = lines.next()) {
    const size_t tab = line->rfind('\t');
    if (tab == std::string_view::npos || tab + 1 == line->size()) {
      bad_input("{}: no label behind a tab", lines.where());
    }
    labels.emplace_back(line->substr(tab + 1));
  }
  return labels;
}

RawPart read_part(const fs::path& path, const std::string& name) {
  const std::string where = (path / name).string();
  if (fs::exists(path / (name + "_x.npy"))) {
    return part_of_tensors(io::open_npy(path / (name + "_x.npy")),
                           io::open_npy(path / (name + "_y.npy")), where);
  }
  if (fs::exists(path / (name + ".emb"))) {
    return {read_embeddings(path / (name + ".emb")), read_entities(path / (name + ".ent")), where};
  }
  if (fs::is_directory(path)) {
    bad_input("{}: holds neither {}_x.npy with {}_y.npy nor {}.emb with {}.ent", path.string(),
              name, name, name, name);
  }
  const auto file = io::open_safetensors(path);
  const auto tensor = [&](const std::string& key) {
    const auto found = file.tensors.find(key);
    if (found == file.tensors.end()) bad_input("{}: no tensor '{}'", path.string(), key);
    return found->second;
  };
  return part_of_tensors(tensor(name + "_x"), tensor(name + "_y"), path.string() + ": " + name);
}

void check(const RawPart& part, int64_t columns) {
  if (part.x.size(0) != static_cast<int64_t>(part.y.size())) {
    bad_input("{}: {} vectors and {} labels, expected as many", part.where, part.x.size(0),
              part.y.size());
  }
  if (part.y.empty() || part.x.size(1) == 0) bad_input("{}: holds no vectors", part.where);
  if (part.x.size(1) != columns) {
    bad_input("{}: vectors of {} numbers, those to train on have {}", part.where, part.x.size(1),
              columns);
  }
  if (!at::isfinite(part.x).all().item<bool>()) {
    bad_input("{}: a vector holds a value that is not finite", part.where);
  }
  const double largest = part.x.abs().max().item<double>();
  if (largest > kLargest || (largest > 0 && largest < 1 / kLargest)) {
    bad_input(
        "{}: the largest value is {:g} in size, so that squares of vectors leave float64; scale "
        "all vectors by the same number",
        part.where, largest);
  }
}

void hash_part(const RawPart& part, Sha256& hash) {
  const at::Tensor x = part.x.contiguous();
  hash.update(std::string_view(static_cast<const char*>(x.const_data_ptr()), x.nbytes()));
  for (const std::string& label : part.y)
    hash.update(label + "\n");
}

}  // namespace

VectorSet read_vectors(const fs::path& path) {
  const RawPart train = read_part(path, "train"), test = read_part(path, "test");
  check(train, train.x.size(1));
  check(test, train.x.size(1));
  if (std::set(train.y.begin(), train.y.end()).size() < 2) {
    bad_input("{}: all have the label '{}', expected at least two labels", train.where,
              excerpt(train.y.front()));
  }
  VectorSet set;
  set.train_x = train.x;
  set.test_x = test.x;
  std::set<std::string> seen(train.y.begin(), train.y.end());
  seen.insert(test.y.begin(), test.y.end());
  set.labels.assign(seen.begin(), seen.end());
  std::ranges::sort(set.labels, label_before);
  std::map<std::string, int64_t> places;
  for (const std::string& label : set.labels)
    places.emplace(label, static_cast<int64_t>(places.size()));
  for (const std::string& label : train.y)
    set.train_y.push_back(places.at(label));
  for (const std::string& label : test.y)
    set.test_y.push_back(places.at(label));
  Sha256 hash;
  hash_part(train, hash);
  hash_part(test, hash);
  set.sha256 = hash.finish();
  return set;
}

}  // namespace ssmi::probe
