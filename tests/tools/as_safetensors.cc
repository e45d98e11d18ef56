// Writes the tensors of a weight file or folder as safetensors: as_safetensors IN OUT.
// tests/integration/test_files.py compares them with what PyTorch reads.

#include <iostream>

#include "ssmi/core/error.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"

int main(int, char** arguments) {
  using namespace ssmi;
  try {
    const io::Checkpoint checkpoint = io::open_tensors(arguments[1]);
    std::vector<io::TensorBytes> tensors;
    for (const auto& [name, view] : checkpoint.tensors)
      tensors.push_back({name, view.dtype, view.shape, view.data});
    io::write_safetensors(arguments[2], tensors);
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
