#include "common/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace dm {
namespace {

constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// tables[s][b] is what byte b, followed by s zero bytes, adds to the register.
constexpr Tables make_tables() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41, bits reversed
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? kPolynomial : 0);
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t value = tables[slice - 1][byte];
      tables[slice][byte] = value >> 8 ^ tables[0][value & 255];
    }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view bytes,
                                                             std::uint32_t before) {
  std::uint64_t value = ~before;
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    value = _mm_crc32_u64(value, word);
    bytes.remove_prefix(8);
  }
  auto rest = static_cast<std::uint32_t>(value);
  for (const char c : bytes) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(c));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c_plain(std::string_view bytes, std::uint32_t before) {
  std::uint32_t value = ~before;
  while (bytes.size() >= kSlices) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      const std::uint32_t held = i < 4 ? value >> 8 * i & 255 : 0;
      next ^= kTables[kSlices - 1 - i][byte_at(bytes, i) ^ held];
    }
    value = next;
    bytes.remove_prefix(kSlices);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value >> 8 ^ kTables[0][(value ^ byte_at(bytes, i)) & 255];
  return ~value;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(bytes, before);
#endif
  return crc32c_plain(bytes, before);
}

}  // namespace dm
