#include "common/sha256.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

constexpr Sha256Engine kAllEngines[] = {Sha256Engine::kPlain, Sha256Engine::kX86,
                                        Sha256Engine::kArm};

std::string hash_with(Sha256Engine engine, std::string_view bytes) {
  Sha256 hash(engine);
  hash.update(bytes);
  return to_hex(hash.finish());
}

std::string some_bytes(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 131 + i / 7);
  return bytes;
}

}  // namespace

TEST(sha256_gives_the_standards_digests) {
  const struct {
    std::string text;
    std::string_view digest;
  } rows[] = {
      // FIPS 180-4's examples, and the usual two beside them
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& row : rows) {
    CHECK_EQ(sha256_hex(row.text), row.digest);
    for (const Sha256Engine engine : kAllEngines)
      if (can_use(engine)) CHECK_EQ(hash_with(engine, row.text), row.digest);
  }
}

TEST(sha256_engines_agree_on_every_length) {
  CHECK(can_use(Sha256Engine::kPlain));
  const std::string bytes = some_bytes(300);
  for (std::size_t size = 0; size <= 300; ++size) {
    const auto text = std::string_view(bytes).substr(0, size);
    for (const Sha256Engine engine : kAllEngines)
      if (can_use(engine)) CHECK_EQ(hash_with(engine, text), hash_with(Sha256Engine::kPlain, text));
  }
}

TEST(sha256_does_not_care_where_the_message_is_cut) {
  const std::string bytes = some_bytes(200);
  const std::string whole = sha256_hex(bytes);
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    Sha256 hash;
    hash.update(std::string_view(bytes).substr(0, first));
    hash.update({});
    hash.update(std::string_view(bytes).substr(first));
    CHECK_EQ(to_hex(hash.finish()), whole);
  }
  Sha256 by_byte;
  for (const char c : bytes) by_byte.update(&c, 1);
  CHECK_EQ(to_hex(by_byte.finish()), whole);
}

TEST(sha256_hex_is_64_lower_case_digits) {
  const std::string good = sha256_hex("x");
  CHECK(is_sha256_hex(good));
  CHECK(!is_sha256_hex(""));
  CHECK(!is_sha256_hex(good + "0"));
  CHECK(!is_sha256_hex(good.substr(1)));
  for (const char bad : {'A', 'g', '/', '.', '\0', '-'}) {
    std::string text = good;
    text[40] = bad;
    CHECK(!is_sha256_hex(text));
  }
}
