#include "master/client/io/keygen.h"

#include <stdio.h>
#include <stdlib.h>

#include <map>
#include <optional>

#include "common/codec.h"
#include "common/escape.h"
#include "common/io/key_file.h"
#include "common/names.h"
#include "master/client/io/client.h"

namespace dm {
namespace {

constexpr char kHelp[] =
    R"(usage: dm keygen OUT
       dm keygen --worker NAME [--generation N] --secret-file F OUT
       dm keygen --control NAME --role viewer|operator|admin [--generation N] --secret-file F OUT
Makes a key file, mode 0600: the secret of a cluster (for its dm-master alone), the key of
one worker, or the key of an operator for a remote dm. F is the cluster's secret
(DM_SECRET_FILE). N is 1 unless 'workers revoke NAME' has raised it.
)";

using Flags = std::map<std::string, std::string>;

int usage(const std::string& what) {
  ::fprintf(stderr, "dm: keygen: %s; 'dm keygen --help' shows how\n",
            escape_for_terminal(what).c_str());
  return kUsage;
}

Result<AccessKey> derive(const Flags& flags) {
  const auto flag = [&](const std::string& name) {
    const auto found = flags.find(name);
    return found == flags.end() ? std::string() : found->second;
  };
  std::string file = flag("--secret-file");
  if (const char* given = ::getenv("DM_SECRET_FILE"); file.empty() && given) file = given;
  if (file.empty()) return fail(Code::kBadArg, "--secret-file is missing");
  const auto secret = read_key_file(file);
  if (!secret) return secret.error();
  if (secret->kind != KeyKind::kSecret)
    return fail(Code::kBadArg, "key file " + file + ": only a dm-secret has keys to derive");
  const std::string generation = flag("--generation").empty() ? "1" : flag("--generation");
  const std::int64_t number = parse_integer(generation).value_or(0);
  if (number < 1) return fail(Code::kBadArg, "--generation wants a number from 1");
  const std::string worker = flag("--worker"), control = flag("--control"), role = flag("--role");
  const std::string& name = worker.empty() ? control : worker;
  if (!is_worker_name(name)) return fail(Code::kBadArg, "no name of that form is possible");
  if (!worker.empty()) return derive_worker_key(*secret, name, number);
  if (!is_role(role)) return fail(Code::kBadArg, "--role wants viewer, operator or admin");
  return derive_control_key(*secret, name, role, number);
}

}  // namespace

int run_keygen(const std::vector<std::string>& words) {
  constexpr std::string_view kFlags[] = {"--worker", "--control", "--role", "--generation",
                                         "--secret-file"};
  Flags flags;
  std::optional<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--help") return ::fputs(kHelp, stdout) < 0 ? kFailed : kDone;
    bool known = false;
    for (std::string_view flag : kFlags) known = known || words[i] == flag;
    if (known) {
      if (i + 1 >= words.size()) return usage(words[i] + " wants a value");
      flags[words[i]] = words[i + 1];
      ++i;
    } else if (words[i].starts_with("-") || out) {
      return usage("did not expect '" + words[i] + "'");
    } else {
      out = words[i];
    }
  }
  if (!out) return usage("where to? OUT is missing");
  const bool derives = flags.contains("--worker") || flags.contains("--control");
  if (flags.contains("--worker") && flags.contains("--control"))
    return usage("--worker and --control exclude each other");
  if (!derives && !flags.empty()) return usage("--worker or --control is missing");
  const auto key = derives ? derive(flags) : Result<AccessKey>(make_secret());
  if (!key && key.error().code == Code::kBadArg) return usage(key.error().message);
  const Status written = key ? write_key_file(*out, *key) : Status(key.error());
  if (written) return kDone;
  ::fprintf(stderr, "dm: %s\n", escape_for_terminal(written.error().message).c_str());
  return kFailed;
}

}  // namespace dm
