#include "io/pickle.h"

#include <array>

#include "fuzz/input.h"
#include "io/state_dict.h"

/// A bare pickle; its tensors are looked for in a storage of 64 bytes under any key.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ssmi;
  const fuzz::InputFile input({data, size});
  const auto file = MappedFile::open(input.path());
  static const std::array<std::byte, 64> kStorage{};
  const auto bytes_of = [](const io::PickleStorage& storage) {
    io::storage_size(storage, "input");
    return std::span<const std::byte>(kStorage);
  };
  return fuzz::taken_or_refused([&] {
    const io::Pickle pickle = io::read_pickle(file->bytes(), "input");
    fuzz::touch(io::read_state_dict(pickle, bytes_of, file).tensors);
  });
}
