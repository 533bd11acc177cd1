#include "common/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/check.h"
#include "common/sha256_engines.h"

namespace dm {
namespace {

constexpr std::size_t kBlock = 64;

// Read and written byte by byte, so that the machine's byte order does not matter; compilers
// make one instruction of it.
std::uint32_t big_endian(const std::uint8_t* from) {
  return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 | std::uint32_t{from[2]} << 8 |
         std::uint32_t{from[3]};
}

void put_big_endian(std::uint64_t value, std::uint8_t* to, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0; value >>= 8) to[i] = static_cast<std::uint8_t>(value);
}

// The functions of FIPS 180-4 section 4.1.2, under the names that it gives them.
std::uint32_t big_sigma0(std::uint32_t x) {
  return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22);
}
std::uint32_t big_sigma1(std::uint32_t x) {
  return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25);
}
std::uint32_t small_sigma0(std::uint32_t x) {
  return std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3);
}
std::uint32_t small_sigma1(std::uint32_t x) {
  return std::rotr(x, 17) ^ std::rotr(x, 19) ^ (x >> 10);
}

void expand(const std::uint8_t* data, std::uint32_t* w) {
  for (std::size_t t = 0; t < 16; ++t) w[t] = big_endian(data + 4 * t);
  for (std::size_t t = 16; t < 64; ++t)
    w[t] = small_sigma1(w[t - 2]) + w[t - 7] + small_sigma0(w[t - 15]) + w[t - 16];
}

void compress_plain(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
  for (; blocks > 0; --blocks, data += kBlock) {
    std::uint32_t w[64];
    expand(data, w);
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (std::size_t t = 0; t < 64; ++t) {
      const std::uint32_t t1 = h + big_sigma1(e) + ((e & f) ^ (~e & g)) + sha256::kRounds[t] + w[t];
      const std::uint32_t t2 = big_sigma0(a) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1;
      d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

struct Row {
  Sha256Engine engine;
  bool (*have)();
  Sha256::Compress compress;
};
constexpr Row kEngines[] = {
    // the fastest that the processor has is used: best first
    {Sha256Engine::kX86, &sha256::have_x86, &sha256::compress_x86},
    {Sha256Engine::kArm, &sha256::have_arm, &sha256::compress_arm},
    {Sha256Engine::kPlain, [] { return true; }, &compress_plain},
};

const Row& row_of(Sha256Engine engine) {
  return *std::find_if(std::begin(kEngines), std::end(kEngines),
                       [engine](const Row& row) { return row.engine == engine; });
}

Sha256Engine fastest() {
  // Asked once: in a virtual machine the question costs more than hashing a block.
  static const Sha256Engine engine =
      std::find_if(std::begin(kEngines), std::end(kEngines), [](const Row& row) {
        return row.have();
      })->engine;
  return engine;
}

}  // namespace

bool can_use(Sha256Engine engine) {
  return row_of(engine).have();
}

Sha256::Sha256() : Sha256(fastest()) {}

Sha256::Sha256(Sha256Engine engine)
    : compress_(row_of(engine).compress), state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(const void* bytes, std::size_t size) {
  if (size == 0) return;  // memcpy from a null pointer is undefined, even of nothing
  const auto* data = static_cast<const std::uint8_t*>(bytes);
  const std::size_t held = size_ % kBlock;
  size_ += size;
  if (held > 0) {
    const std::size_t part = std::min(size, kBlock - held);
    std::memcpy(block_.data() + held, data, part);
    data += part, size -= part;
    if (held + part < kBlock) return;
    compress_(state_.data(), block_.data(), 1);
  }
  const std::size_t blocks = size / kBlock;
  if (blocks > 0) compress_(state_.data(), data, blocks);
  const std::size_t rest = size % kBlock;
  if (rest > 0) std::memcpy(block_.data(), data + blocks * kBlock, rest);
}

Sha256Digest Sha256::finish() {
  constexpr std::uint8_t kPadding[kBlock] = {0x80};
  std::uint8_t length[8];
  put_big_endian(size_ * 8, length, sizeof length);
  const std::size_t held = size_ % kBlock;
  update(kPadding, (held < 56 ? 56 : 56 + kBlock) - held);
  update(length, sizeof length);
  DM_CHECK(size_ % kBlock == 0);
  Sha256Digest digest;
  for (std::size_t i = 0; i < state_.size(); ++i) put_big_endian(state_[i], &digest[4 * i], 4);
  return digest;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return to_hex(hash.finish());
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace dm
