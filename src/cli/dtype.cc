#include "dtype.h"

#include <map>

namespace ssmi::cli {
namespace {

const std::map<std::string, io::Dtype>& dtypes() {
  static const std::map<std::string, io::Dtype> kDtypes{
      {"float32", io::Dtype::kF32}, {"float16", io::Dtype::kF16}, {"bfloat16", io::Dtype::kBF16}};
  return kDtypes;
}

}  // namespace

void add_dtype(CLI::App& command, std::string& name) {
  command
      .add_option("--dtype", name,
                  "Precision of matrices; state-space parameters, norms and biases are float32")
      ->check(CLI::IsMember(dtypes()))
      ->capture_default_str();
}

io::Dtype dtype_named(const std::string& name) {
  return dtypes().at(name);
}

}  // namespace ssmi::cli
