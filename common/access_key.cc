#include "common/access_key.h"

#include <optional>
#include <vector>

#include "common/codec.h"
#include "common/hmac.h"
#include "common/names.h"

namespace dm {
namespace {

constexpr std::size_t kKeyBytes = 32;

std::string as_bytes(const Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// The parts hold no newline: names and roles are checked before.
std::string derive(const AccessKey& secret, std::string_view kind, std::string_view name,
                   std::string_view role, std::int64_t generation) {
  std::string message;
  for (std::string_view part : {kind, name, role}) message.append(part).append("\n");
  return as_bytes(hmac_sha256(secret.bytes, message + std::to_string(generation) + "\n"));
}

std::optional<std::string> bytes_of(std::string_view hex) {
  if (!is_sha256_hex(hex)) return std::nullopt;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

// A space at the end has an empty word behind it.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (bool more = true; more;) {
    const std::size_t space = text.find(' ');
    more = space != text.npos;
    words.push_back(text.substr(0, space));
    text.remove_prefix(more ? space + 1 : text.size());
  }
  return words;
}

// 0 for anything but a generation in its one spelling: "07" would be a second name of a key.
std::int64_t generation_from(std::string_view text) {
  const std::int64_t number = parse_integer(text).value_or(0);
  const bool good = number >= 1 && number <= 1'000'000'000 && std::to_string(number) == text;
  return good ? number : 0;
}

Error bad() {
  return fail(Code::kBadArg,
              "not a dm key: one line dm-secret, dm-worker or dm-control with 64 hex digits");
}

}  // namespace

bool is_role(std::string_view text) {
  return text == "viewer" || text == "operator" || text == "admin";
}

std::string AccessKey::id() const {
  return (kind == KeyKind::kWorker ? "worker" : role) + "." + std::to_string(generation);
}

AccessKey derive_worker_key(const AccessKey& secret, std::string_view name,
                            std::int64_t generation) {
  return {KeyKind::kWorker, std::string(name), "", generation,
          derive(secret, "worker", name, "", generation)};
}

AccessKey derive_control_key(const AccessKey& secret, std::string_view name, std::string_view role,
                             std::int64_t generation) {
  return {KeyKind::kControl, std::string(name), std::string(role), generation,
          derive(secret, "control", name, role, generation)};
}

Result<AccessKey> derive_claimed_key(const AccessKey& secret, std::string_view name,
                                     std::string_view id) {
  const std::size_t dot = id.rfind('.');
  if (dot == std::string_view::npos) return fail(Code::kDenied, "no such key");
  const std::int64_t generation = generation_from(id.substr(dot + 1));
  if (!is_worker_name(name) || generation == 0) return fail(Code::kDenied, "no such key");
  const std::string_view role = id.substr(0, dot);
  if (role == "worker") return derive_worker_key(secret, name, generation);
  if (is_role(role)) return derive_control_key(secret, name, role, generation);
  return fail(Code::kDenied, "no such key");
}

std::string print_key(const AccessKey& key) {
  const std::string hex =
      to_hex({reinterpret_cast<const std::uint8_t*>(key.bytes.data()), key.bytes.size()});
  const std::string generation = std::to_string(key.generation);
  switch (key.kind) {
    case KeyKind::kSecret: return "dm-secret " + hex + "\n";
    case KeyKind::kWorker: return "dm-worker " + key.name + " " + generation + " " + hex + "\n";
    case KeyKind::kControl:
      return "dm-control " + key.name + " " + key.role + " " + generation + " " + hex + "\n";
  }
  return "";
}

Result<AccessKey> parse_key(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() < 2) return bad();
  AccessKey key;
  const auto bytes = bytes_of(words.back());
  if (!bytes || bytes->size() != kKeyBytes) return bad();
  key.bytes = *bytes;
  if (words[0] == "dm-secret" && words.size() == 2) return key;
  const bool worker = words[0] == "dm-worker" && words.size() == 4;
  const bool control = words[0] == "dm-control" && words.size() == 5;
  if (!worker && !control) return bad();
  key.kind = worker ? KeyKind::kWorker : KeyKind::kControl;
  key.name = words[1];
  if (control) key.role = words[2];
  key.generation = generation_from(words[words.size() - 2]);
  const bool good = is_worker_name(key.name) && key.generation > 0;
  if (!good || (control && !is_role(key.role))) return bad();
  return key;
}

}  // namespace dm
