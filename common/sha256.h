// common/sha256.h - SHA-256 (FIPS 180-4) of bytes in memory. Pure: never touches a descriptor.
//
// The processor's SHA instructions are used where it has them, plain code elsewhere; the digest
// is the same. Nothing here fails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dm {

using Sha256Digest = std::array<std::uint8_t, 32>;

// Ways to compute the same digest. Only tests and the benchmark name one.
enum class Sha256Engine { kPlain, kX86, kArm };

// Whether this program, on this processor, can use the engine; kPlain always.
bool can_use(Sha256Engine engine);

class Sha256 {
 public:
  Sha256();                              // the fastest engine
  explicit Sha256(Sha256Engine engine);  // REQUIRES can_use(engine)

  // Appends bytes to the message; the pieces may be cut anywhere.
  void update(const void* bytes, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }

  // The digest of the whole message. The object is used up: assign a new one to begin again.
  Sha256Digest finish();

  // Mixes `blocks` blocks of 64 bytes into the eight words of the state.
  using Compress = void (*)(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);

 private:
  Compress compress_;
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> block_{};  // the message's unfinished last block
  std::uint64_t size_ = 0;                // of the message so far, in bytes
};

// Lower-case hex digits, two a byte.
std::string to_hex(std::span<const std::uint8_t> bytes);

// The digest of `bytes` as 64 lower-case hex digits: how blobs and versions are named.
std::string sha256_hex(std::string_view bytes);

// Whether `text` is exactly 64 lower-case hex digits, so that it may become a file's name.
bool is_sha256_hex(std::string_view text);

}  // namespace dm
