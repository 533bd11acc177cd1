#include "worker/io/identity.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "common/io/net.h"
#include "common/io/system.h"
#include "worker/io/supervisor_start.h"

namespace dm::worker {
namespace {

constexpr std::size_t kIdDigits = 32, kSecretDigits = 64;
constexpr const char* kId = "/id";
constexpr const char* kSecret = "/identity";
constexpr std::size_t kShown = 12;  // digits of an id

// A file of so many hex digits and a newline; made if it is not there.
Result<std::string> read_or_make_hex(const std::string& path, std::size_t digits, mode_t mode) {
  auto text = read_file(path, 4096);
  if (!text && text.error().code != Code::kNotFound) return text.error();
  if (!text) {
    text = random_hex(digits / 2) + "\n";
    if (auto written = replace_file(path, *text, mode); !written) return written.error();
  }
  const std::string hex = text->substr(0, text->find('\n'));
  const bool is_hex = hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex.size() != digits || !is_hex)
    return fail(Code::kInternal, path + " does not hold " + std::to_string(digits) + " hex digits");
  return hex;
}

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// Made by root, to be read by whom the directory belongs to.
Status give_to_owner_of(const std::string& root, const std::string& path) {
  struct stat info {};
  if (::stat(root.c_str(), &info) != 0) return system_error("look at", root);
  if (::geteuid() == 0 && ::lchown(path.c_str(), info.st_uid, info.st_gid) != 0)
    return system_error("change the owner of", path);
  return {};
}

}  // namespace

Result<Identity> read_or_make_identity(const std::string& root) {
  const auto id = read_or_make_hex(root + kId, kIdDigits, 0644);
  if (!id) return id.error();
  const auto secret = read_or_make_hex(root + kSecret, kSecretDigits, 0600);
  if (!secret) return secret.error();
  return Identity{*id, bytes_of(*secret)};
}

Result<std::string> make_new_identity(const std::string& root) {
  const auto lock = lock_directory(root);
  if (!lock) return lock.error();
  if (start_connect(Endpoint{"", 0, supervisor_socket(root)}))
    return fail(Code::kBusy, "apps of " + root + " run here; end them by 'dm-worker --root " +
                                 root + " --stop-apps' first");
  const auto old = read_or_make_hex(root + kId, kIdDigits, 0644);
  if (!old) return old.error();
  const std::string name = "before-" + old->substr(0, kShown), aside = root + "/" + name;
  if (auto made = make_directories(aside, 0700); !made) return made.error();
  if (auto given = give_to_owner_of(root, aside); !given) return given.error();
  // The id last: whoever is interrupted before that begins again.
  for (const char* each : {"/journal", "/apps", "/work", "/logs", kSecret, kId})
    if (::rename((root + each).c_str(), (aside + each).c_str()) != 0 && errno != ENOENT)
      return system_error("set aside", root + each);
  if (auto made = read_or_make_identity(root); !made) return made.error();
  for (const char* each : {kSecret, kId})
    if (auto given = give_to_owner_of(root, root + each); !given) return given.error();
  return name;
}

}  // namespace dm::worker
