#include "ssmi/io/npy.h"

#include <cstring>

#include "io/raw_npy.h"
#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::check_fails;
using test::npy_header;
using test::raw_npy;

TEST_CASE("npy: types, shapes and versions") {
  const test::TemporaryFolder folder;
  const std::string four(16, 'x');
  for (const int major : {1, 2, 3}) {
    write_file(folder / "a.npy", raw_npy(npy_header("<f4", "(2, 2)"), four, major));
    const TensorView view = open_npy(folder / "a.npy");
    CHECK(view.dtype == Dtype::kF32);
    CHECK(view.shape == std::vector<int64_t>{2, 2});
    CHECK(view.data.size() == 16);
    CHECK(std::memcmp(view.data.data(), four.data(), 16) == 0);
  }
  write_file(folder / "a.npy", raw_npy(npy_header("<i8", "(2,)", "True"), four));
  CHECK(open_npy(folder / "a.npy").shape == std::vector<int64_t>{2});
  write_file(folder / "a.npy", raw_npy(npy_header("|b1", "()"), "x"));
  CHECK(open_npy(folder / "a.npy").shape.empty());
  write_file(folder / "a.npy", raw_npy(npy_header("<f8", "(0, 3)"), ""));
  CHECK(open_npy(folder / "a.npy").data.empty());
}

TEST_CASE("npy: what is broken is refused with the reason") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& bytes, const std::string& message) {
    CAPTURE(message);
    write_file(folder / "a.npy", bytes);
    check_fails(ExitCode::kBadInput, message, [&] { open_npy(folder / "a.npy"); });
  };
  const std::string good = raw_npy(npy_header("<f4", "(2,)"), "12345678");
  refused("", "does not begin with");
  refused("PK\x03\x04 an archive of arrays", "does not begin with");
  refused(good.substr(0, 9), "does not begin with");
  refused(good.substr(0, 40), "announces a header");
  refused(raw_npy(npy_header("<f4", "(2,)"), "12345678", 4), "format version 4");
  refused(good + "9", "has 9 bytes of data, expected those of the shape [2] of F32");
  refused(raw_npy(npy_header("<f4", "(4611686018427387904, 4)"), "12345678"),
          "has 8 bytes of data");
  refused(raw_npy(npy_header("<f4", "(99999999999999999999,)"), ""), "no length of a dimension");
  refused(raw_npy(npy_header("<f4", "(-1,)"), ""), "no length of a dimension");
  refused(raw_npy(npy_header("<f4", "(2 3)"), ""), "no comma in the shape");
  refused(raw_npy(npy_header(">f4", "(2,)"), "12345678"), "elements of type '>f4'");
  refused(raw_npy(npy_header("|O", "(2,)"), "12345678"), "elements of type '|O'");
  refused(raw_npy(npy_header("<f4", "(2, 1)", "True"), "12345678"), "Fortran order");
  refused(raw_npy(npy_header("<f4", "(2,)", "Maybe"), "12345678"), "neither True nor False");
  refused(raw_npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "12345678"),
          "no ''' where one is due");
  refused(raw_npy("{'descr': '<f4', 'shape': (2,)}", "12345678"), "not all of descr");
  refused(raw_npy("{'size': '<f4'}", ""), "an unknown key");
  refused(raw_npy(npy_header("<f4", "(2,)") + "x", "12345678"), "something behind the dictionary");
  check_fails(ExitCode::kDisk, "none.npy", [&] { open_npy(folder / "none.npy"); });
}

}  // namespace
}  // namespace ssmi::io
