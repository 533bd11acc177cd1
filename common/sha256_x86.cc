// The SHA extensions of x86-64. Chosen at run time, so the attribute stands on each function
// and the rest of the program still runs on processors without them.
#include "common/sha256_engines.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

namespace dm::sha256 {
namespace {

#define DM_TARGET __attribute__((target("sha,sse4.1,ssse3")))

// The state as the instructions want it: two registers, the words from the highest lane down.
struct State {
  __m128i abef;
  __m128i cdgh;
};

DM_TARGET inline __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

DM_TARGET inline void four_rounds(State& s, __m128i w, const std::uint32_t* k) {
  const __m128i wk = _mm_add_epi32(w, load(k));
  s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, wk);
  s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

// Words t..t+3 of the schedule from the sixteen before them, oldest first.
DM_TARGET inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

DM_TARGET inline void compress_block(State& s, const std::uint8_t* data) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i w0 = _mm_shuffle_epi8(load(data), swap);
  __m128i w1 = _mm_shuffle_epi8(load(data + 16), swap);
  __m128i w2 = _mm_shuffle_epi8(load(data + 32), swap);
  __m128i w3 = _mm_shuffle_epi8(load(data + 48), swap);
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

bool have_x86() {
  // Intel SDM volume 2, CPUID: leaf 7 EBX bit 29 is SHA; leaf 1 ECX bits 9 and 19 are SSSE3 and
  // SSE4.1. g++ 12's __builtin_cpu_supports does not know "sha".
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return false;
  return __get_cpuid(1, &a, &b, &c, &d) && (c >> 9 & 1) && (c >> 19 & 1);
}

DM_TARGET void compress_x86(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks) {
  const __m128i badc = _mm_shuffle_epi32(load(state), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
  State s{_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0)};
  for (; blocks > 0; --blocks, data += 64) {
    const State before = s;
    compress_block(s, data);
    s.abef = _mm_add_epi32(s.abef, before.abef);
    s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
  }
  const __m128i abfe = _mm_shuffle_epi32(s.abef, 0x1b);
  const __m128i ghcd = _mm_shuffle_epi32(s.cdgh, 0xb1);
  auto* out = reinterpret_cast<__m128i*>(state);
  _mm_storeu_si128(out, _mm_blend_epi16(abfe, ghcd, 0xf0));
  _mm_storeu_si128(out + 1, _mm_alignr_epi8(ghcd, abfe, 8));
}

#undef DM_TARGET

}  // namespace dm::sha256

#else

namespace dm::sha256 {

bool have_x86() {
  return false;
}
void compress_x86(std::uint32_t*, const std::uint8_t*, std::size_t) {}

}  // namespace dm::sha256

#endif
