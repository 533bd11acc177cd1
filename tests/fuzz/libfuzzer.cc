// The driver for clang's libFuzzer: one program a target.
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dm::fuzz::Target* const target = dm::fuzz::find("");
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
