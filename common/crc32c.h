// common/crc32c.h - the checksum of journal lines: CRC-32C (Castagnoli, RFC 3720 section 12.1).
// Pure: never touches a descriptor. It finds accidents; it proves nothing against a forger.
#pragma once

#include <cstdint>
#include <string_view>

namespace dm {

// The checksum of `bytes`; with `before`, that of what `before` was computed of and then `bytes`.
// crc32c("123456789") is 0xe3069283. Uses the processor's instruction where it has one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

// The same by tables alone: for tests, and for processors without the instruction.
std::uint32_t crc32c_plain(std::string_view bytes, std::uint32_t before = 0);

}  // namespace dm
