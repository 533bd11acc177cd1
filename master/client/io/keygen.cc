#include "master/client/io/keygen.h"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "common/escape.h"
#include "common/flags.h"
#include "common/io/key_file.h"
#include "common/names.h"
#include "master/client/io/client.h"

namespace dm {
namespace {

struct KeygenOptions {
  std::string worker, control, role, secret_file;
  std::int64_t generation = 0;  // 0: not given

  bool derives() const { return !worker.empty() || !control.empty(); }
};

Status take_role(KeygenOptions& options, const std::string& value) {
  if (!is_role(value))
    return fail(Code::kBadArg, "'" + excerpt(value) + "' is no role: viewer, operator or admin");
  options.role = value;
  return {};
}

template <std::string KeygenOptions::*kField>
Status take_name(KeygenOptions& options, const std::string& value) {
  if (!is_worker_name(value))
    return fail(Code::kBadArg,
                "'" + excerpt(value) + "' is no name: a-z 0-9 . _ - are allowed, at most 63");
  options.*kField = value;
  return {};
}

using O = KeygenOptions;

constexpr Flag<KeygenOptions> kFlags[] = {
    {{"worker", Takes::kValue, "NAME", "", "make the key of this worker"}, &take_name<&O::worker>},
    {{"control", Takes::kValue, "NAME", "", "make the key of an operator for a remote dm"},
     &take_name<&O::control>},
    {{"role", Takes::kValue, "ROLE", "", "with --control: viewer, operator or admin"}, &take_role},
    {{"generation", Takes::kValue, "N", "1",
      "the key's generation; 'workers revoke NAME' raises it"},
     &take_number<&O::generation, 1, 1'000'000'000>},
    {{"secret-file", Takes::kValue, "F", "DM_SECRET_FILE", "the cluster's secret"},
     &take_text<&O::secret_file>},
};

std::string help_text() {
  return "usage: dm keygen OUT\n"
         "       dm keygen --worker NAME [--generation N] --secret-file F OUT\n"
         "       dm keygen --control NAME --role ROLE [--generation N] --secret-file F OUT\n"
         "Makes a key file, mode 0600: the secret of a cluster (for its dm-master alone), the key "
         "of\none worker, or the key of an operator for a remote dm.\n\n" +
         flags_help(texts_of(kFlags));
}

int usage(const std::string& what) {
  ::fprintf(stderr, "dm: keygen: %s; 'dm keygen --help' shows how\n",
            escape_for_terminal(what).c_str());
  return kUsageError;
}

// What is wrong with the options together; empty if nothing is.
std::string complaint(const KeygenOptions& options, const std::vector<std::string>& operands) {
  if (operands.empty()) return "the file to write is missing: dm keygen ... OUT";
  if (operands.size() > 1) return "did not expect '" + excerpt(operands[1]) + "' behind OUT";
  if (!options.worker.empty() && !options.control.empty())
    return "--worker and --control exclude each other";
  if (!options.control.empty() && options.role.empty())
    return "--control needs --role viewer, operator or admin";
  if (options.control.empty() && !options.role.empty()) return "--role goes with --control";
  if (!options.derives() && (options.generation > 0 || !options.secret_file.empty()))
    return "--worker or --control is missing: a new secret is made from nothing";
  return "";
}

Result<AccessKey> derive(const KeygenOptions& options) {
  std::string file = options.secret_file;
  if (const char* given = ::getenv("DM_SECRET_FILE"); file.empty() && given) file = given;
  if (file.empty()) return fail(Code::kBadArg, "the cluster's secret is missing: --secret-file F");
  const auto secret = read_key_file(file);
  if (!secret) return secret.error();
  if (secret->kind != KeyKind::kSecret)
    return fail(Code::kBadArg, "key file " + file + ": only a dm-secret has keys to derive");
  const std::int64_t generation = std::max<std::int64_t>(options.generation, 1);
  if (!options.worker.empty()) return derive_worker_key(*secret, options.worker, generation);
  return derive_control_key(*secret, options.control, options.role, generation);
}

}  // namespace

int run_keygen(const std::vector<std::string>& words) {
  KeygenOptions options;
  const auto read = read_flags(kFlags, words, Operands::kAnywhere, options);
  if (!read) return usage(read.error().message);
  if (read->wish == FlagsRead::Wish::kVersion)
    return ::puts("dm " DM_VERSION) < 0 ? kFailed : kDone;
  if (read->wish == FlagsRead::Wish::kHelp)
    return ::fputs(help_text().c_str(), stdout) < 0 ? kFailed : kDone;
  if (const std::string wrong = complaint(options, read->operands); !wrong.empty())
    return usage(wrong);
  const auto key = options.derives() ? derive(options) : Result<AccessKey>(make_secret());
  if (!key && key.error().code == Code::kBadArg) return usage(key.error().message);
  const Status written = key ? write_key_file(read->operands.front(), *key) : Status(key.error());
  if (written) return kDone;
  ::fprintf(stderr, "dm: %s\n", escape_for_terminal(written.error().message).c_str());
  return kFailed;
}

}  // namespace dm
