// Writes the tensors of a weight file or folder as safetensors: as_safetensors IN OUT.
// tests/integration/test_files.py compares them with what PyTorch reads.

#include <iostream>
#include <list>
#include <vector>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"

int main(int, char** arguments) {
  using namespace ssmi;
  try {
    const io::Checkpoint checkpoint = io::open_tensors(arguments[1]);
    std::list<std::vector<float>> decoded;
    std::vector<io::TensorBytes> tensors;
    for (const auto& [name, view] : checkpoint.tensors) {
      tensors.push_back({name, view.dtype, view.shape, view.data});
      if (!view.encoding) continue;
      auto& values = decoded.emplace_back(static_cast<size_t>(*checked_numel(view.shape)));
      io::decode(view, values);
      tensors.back().data = std::as_bytes(std::span(values));
    }
    io::write_safetensors(arguments[2], tensors);
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
