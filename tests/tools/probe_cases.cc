// Reads cases from stdin, prints what the probes make of them.
// tests/integration/test_probe_references.py holds them against references in Python:
//   {"linear": {"x", "y", "classes", "l2"}}                       -> objective
//   {"code": {"x", "y", "classes", "l2", "seed"}}                 -> bits, order of the rows
//   {"structural": {"rank", "train", "validation", "test"}}      -> projection, validation loss,
//   values
//   {"ast": {"rank", "labels", "unary", "train", "validation", "test"}}  -> weights, loss,
//   predictions

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <iostream>
#include <iterator>
#include <numeric>

#include "analysis/probe/clouds.h"
#include "ssmi/analysis/probe/ast.h"
#include "ssmi/analysis/probe/linear.h"
#include "ssmi/analysis/probe/structural.h"
#include "ssmi/core/json.h"

namespace {

using namespace ssmi;
using Labels = std::vector<int64_t>;

at::Tensor floats(const Json& rows) {
  return test::points(rows).to(at::kFloat);
}

Json rows_of(const at::Tensor& matrix) {
  const at::Tensor values = matrix.to(at::kDouble).contiguous();
  Json rows = Json::array();
  for (int64_t i = 0; i < values.size(0); ++i) {
    const double* begin = values.const_data_ptr<double>() + i * values.size(1);
    rows.push_back(std::vector<double>(begin, begin + values.size(1)));
  }
  return rows;
}

Json linear(const Json& one) {
  probe::LogisticOptions options;
  options.l2 = one.at("l2");
  const probe::DenseDesign x(test::points(one.at("x")));
  const auto fit = probe::fit_logistic(x, one.at("y").get<Labels>(), one.at("classes"), options);
  return {{"objective", fit.objective}, {"converged", fit.converged}};
}

Json code(const Json& one) {
  const Labels y = one.at("y");
  Labels order(y.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  Random(one.at("seed"), "code").shuffle(std::span(order));
  Random random(one.at("seed"), "code");
  const auto found = probe::online_code(test::points(one.at("x")), y, one.at("classes"),
                                        one.at("l2").get<std::vector<double>>(), random);
  return {{"bits", found.bits}, {"order", order}};
}

std::vector<probe::LeafTree> trees(const Json& list) {
  std::vector<probe::LeafTree> all;
  for (const Json& one : list)
    all.push_back({floats(one.at("x")), floats(one.at("distances"))});
  return all;
}

Json structural(const Json& one) {
  Random random(1, "structural");
  const auto train = trees(one.at("train")), validation = trees(one.at("validation"));
  const auto fit = probe::fit_structural(train, validation, one.at("rank"), random);
  Json values = Json::array();
  for (const auto& tree : trees(one.at("test"))) {
    values.push_back(probe::distance_correlation(
        probe::structural_distances(fit.projection, tree.vectors), tree.distances));
  }
  return {{"projection", rows_of(fit.projection)},
          {"validation_loss", fit.validation_loss},
          {"values", values}};
}

std::vector<probe::LeafTuple> tuples(const Json& list) {
  std::vector<probe::LeafTuple> all;
  for (const Json& one : list)
    all.push_back({floats(one.at("x")), one.at("heights"), one.at("labels"), one.at("unary")});
  return all;
}

Json ast(const Json& one) {
  Random random(1, "ast");
  const auto train = tuples(one.at("train")), validation = tuples(one.at("validation"));
  const auto fit =
      probe::fit_ast(train, validation, one.at("rank"), one.at("labels"), one.at("unary"), random);
  Json said = Json::array();
  for (const auto& tuple : tuples(one.at("test"))) {
    const auto predicted = probe::predict(fit, tuple.vectors);
    said.push_back(
        {{"heights", predicted.heights}, {"labels", predicted.labels}, {"unary", predicted.unary}});
  }
  return {{"projection", rows_of(fit.projection)},
          {"labels", rows_of(fit.labels)},
          {"unary", rows_of(fit.unary)},
          {"validation_loss", fit.validation_loss},
          {"predicted", said}};
}

}  // namespace

int main() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const Json input = parse_json(text, "stdin");
  Json output = Json::object();
  if (input.contains("linear")) output["linear"] = linear(input["linear"]);
  if (input.contains("code")) output["code"] = code(input["code"]);
  if (input.contains("structural")) output["structural"] = structural(input["structural"]);
  if (input.contains("ast")) output["ast"] = ast(input["ast"]);
  std::cout << output.dump() << '\n';
}
