// common/access_key.h: a key file is read in one form only, and its content is in no message.
#include "common/access_key.h"

#include "common/names.h"
#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

TARGET(access_key) {
  const auto key = parse_key(input);
  if (!key) {
    CHECK(key.error().code == Code::kBadArg);
    CHECK_EQ(key.error().message, parse_key("").error().message);
  } else {
    CHECK_EQ(key->bytes.size(), 32u);
    const std::string printed = print_key(*key);
    const std::string_view text = printed;
    CHECK(text == input || text.substr(0, text.size() - 1) == input);
    CHECK(key->kind == KeyKind::kSecret || is_worker_name(key->name));
    CHECK(key->kind != KeyKind::kControl || is_role(key->role));
  }
  // The same bytes as a peer's claim: "NAME ID".
  std::string_view id = input;
  const std::string_view name = take_until(id, ' ');
  AccessKey secret;
  secret.bytes = std::string(32, 's');
  const auto claimed = derive_claimed_key(secret, name, id);
  if (!claimed) return;
  CHECK_EQ(claimed->name, name);
  CHECK(claimed->kind != KeyKind::kSecret);
  CHECK(claimed->generation >= 1);
  CHECK_EQ(claimed->id(), id);
}
