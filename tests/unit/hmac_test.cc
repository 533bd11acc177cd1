#include "common/hmac.h"

#include "tests/unit/check.h"

using namespace dm;

TEST(hmac_gives_the_digests_of_rfc_4231) {
  std::string counting;
  for (char c = 1; c <= 0x19; ++c) counting += c;
  const struct {
    std::string key, message;
    std::string_view code;
  } rows[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& row : rows) CHECK_EQ(to_hex(hmac_sha256(row.key, row.message)), row.code);
}

TEST(hmac_key_is_reused_by_copying) {
  const HmacSha256 keyed("Jefe");
  HmacSha256 other = keyed;
  other.update("something else");
  CHECK(other.finish() != hmac_sha256("Jefe", "what do ya want for nothing?"));
  HmacSha256 code = keyed;
  code.update("what do ya want ");
  code.update("for nothing?");
  CHECK(code.finish() == hmac_sha256("Jefe", "what do ya want for nothing?"));
}

TEST(hmac_comparison_sees_every_byte) {
  const std::string code = "0123456789abcdef";
  CHECK(equal_in_constant_time(code, code));
  CHECK(equal_in_constant_time("", ""));
  CHECK(!equal_in_constant_time(code, code + "0"));
  CHECK(!equal_in_constant_time(code, ""));
  for (std::size_t i = 0; i < code.size(); ++i) {
    std::string other = code;
    other[i] = static_cast<char>(other[i] ^ 0x80);
    CHECK(!equal_in_constant_time(code, other));
  }
}
