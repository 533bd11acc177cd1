#include "common/hmac.h"

#include <algorithm>

namespace dm {
namespace {

constexpr std::size_t kBlock = 64;  // of SHA-256, in bytes: RFC 2104's B

std::string_view view_of(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void update_masked(Sha256& hash, std::array<char, kBlock> key, int mask) {
  for (char& byte : key) byte = static_cast<char>(byte ^ mask);
  hash.update(key.data(), key.size());
}

}  // namespace

HmacSha256::HmacSha256(std::string_view key) {
  Sha256Digest digest;
  if (key.size() > kBlock) {
    Sha256 hash;
    hash.update(key);
    digest = hash.finish();
    key = view_of(digest);
  }
  std::array<char, kBlock> padded{};
  std::copy(key.begin(), key.end(), padded.begin());
  update_masked(inner_, padded, 0x36);
  update_masked(outer_, padded, 0x5c);
}

Sha256Digest HmacSha256::finish() {
  outer_.update(view_of(inner_.finish()));
  return outer_.finish();
}

Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
  HmacSha256 code(key);
  code.update(message);
  return code.finish();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  // volatile, or the compiler may leave the loop at the first difference.
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace dm
