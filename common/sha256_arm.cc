// The SHA-256 instructions of ARMv8. Chosen at run time, as sha256_x86.cc does. clang before 16
// declares the intrinsics only if the whole program is built for such a processor
// (-march=armv8-a+sha2); without that it gets the plain code.
#include "common/sha256_engines.h"

#if defined(__aarch64__) && defined(__linux__) && !defined(__AARCH64EB__) && \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_SHA2))

#include <arm_neon.h>

namespace dm::sha256 {
namespace {

#if defined(__clang__)
#define DM_TARGET __attribute__((target("sha2")))
#else
#define DM_TARGET __attribute__((target("+crypto")))
#endif

struct State {
  uint32x4_t abcd;
  uint32x4_t efgh;
};

DM_TARGET inline uint32x4_t load_words(const std::uint8_t* from) {
  return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(from)));
}

DM_TARGET inline void four_rounds(State& s, uint32x4_t w, const std::uint32_t* k) {
  const uint32x4_t wk = vaddq_u32(w, vld1q_u32(k));
  const uint32x4_t abcd = s.abcd;
  s.abcd = vsha256hq_u32(abcd, s.efgh, wk);
  s.efgh = vsha256h2q_u32(s.efgh, abcd, wk);
}

// Words t..t+3 of the schedule from the sixteen before them, oldest first.
DM_TARGET inline uint32x4_t next_words(uint32x4_t w0, uint32x4_t w1, uint32x4_t w2, uint32x4_t w3) {
  return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}

DM_TARGET inline void compress_block(State& s, const std::uint8_t* data) {
  uint32x4_t w0 = load_words(data);
  uint32x4_t w1 = load_words(data + 16);
  uint32x4_t w2 = load_words(data + 32);
  uint32x4_t w3 = load_words(data + 48);
  for (std::size_t t = 0;; t += 16) {
    four_rounds(s, w0, kRounds + t);
    four_rounds(s, w1, kRounds + t + 4);
    four_rounds(s, w2, kRounds + t + 8);
    four_rounds(s, w3, kRounds + t + 12);
    if (t == 48) return;
    w0 = next_words(w0, w1, w2, w3);
    w1 = next_words(w1, w2, w3, w0);
    w2 = next_words(w2, w3, w0, w1);
    w3 = next_words(w3, w0, w1, w2);
  }
}

}  // namespace

bool have_arm() {
  // Arm ARM, ID_AA64ISAR0_EL1: bits 15..12 are SHA2. Linux lets programs read it since 4.11.
  std::uint64_t features = 0;
  __asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(features));
  return (features >> 12 & 15) > 0;
}

DM_TARGET void compress_arm(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
  State s{vld1q_u32(state), vld1q_u32(state + 4)};
  for (; blocks > 0; --blocks, data += 64) {
    const State before = s;
    compress_block(s, data);
    s.abcd = vaddq_u32(s.abcd, before.abcd);
    s.efgh = vaddq_u32(s.efgh, before.efgh);
  }
  vst1q_u32(state, s.abcd);
  vst1q_u32(state + 4, s.efgh);
}

#undef DM_TARGET

}  // namespace dm::sha256

#else

namespace dm::sha256 {

bool have_arm() {
  return false;
}
void compress_arm(std::uint32_t*, const std::uint8_t*, std::size_t) {}

}  // namespace dm::sha256

#endif
