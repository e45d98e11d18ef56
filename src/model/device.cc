#include <map>

#include "ssmi/model/model.h"

namespace ssmi::model {

void Model::move(at::Device device) {
  std::map<const void*, at::Tensor> moved;  // by where the values lay
  visit([&](const Parameter&, at::Tensor& tensor) {
    if (!tensor.defined() || tensor.device() == device) return;
    at::Tensor& there = moved[tensor.const_data_ptr()];
    if (!there.defined() || there.sizes() != tensor.sizes()) there = tensor.to(device);
    tensor = there;
  });
  device_ = device;
}

}  // namespace ssmi::model
