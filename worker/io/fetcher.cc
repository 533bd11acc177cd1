#include "worker/io/fetcher.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "common/io/system.h"
#include "common/units.h"

namespace dm::worker {
namespace {

constexpr std::size_t kBlock = 512 * 1024;
constexpr int kTries = 5;
constexpr std::int64_t kFirstPauseMs = 200;
constexpr std::int64_t kProgressMs = 200;

bool may_try_again(const Error& error) {
  return error.code == Code::kLost || error.code == Code::kTimeout || error.code == Code::kBusy;
}

class Fetch {
 public:
  explicit Fetch(const InstallJob& job)
      : job_(job), blobs_(job.store->blobs()), buffer_(std::make_unique<char[]>(kBlock)) {}

  Result<InstallDone> run();

 private:
  struct Wanted {
    std::string sha256;
    std::int64_t size;
  };

  Result<std::string> manifest_text();
  Result<std::string> fetch_text(const std::string& sha256);
  std::vector<Wanted> missing(const Manifest& manifest);
  Status check_space(const std::vector<Wanted>& wanted) const;
  Status fetch_blob(const Wanted& wanted);
  Status fetch_once(const Wanted& wanted, bool* resumed);
  Result<std::int64_t> ask(const std::string& sha256, std::int64_t offset);
  Status stream(BlobWriter& writer, const Wanted& wanted);
  // Calls until it succeeds, fails for good, or has brought no byte kTries times in a row.
  Status persist(const std::function<Status()>& call);
  void pause(std::int64_t milliseconds) const;
  void count(std::int64_t bytes);

  const InstallJob& job_;
  const BlobStore& blobs_;
  std::unique_ptr<char[]> buffer_;
  std::optional<LinePeer> peer_;
  InstallDone done_;
  std::int64_t total_ = 0;  // bytes of the blobs that were missing
  std::int64_t have_ = 0;   // of these, here
  std::int64_t last_report_ = 0;
};

Result<InstallDone> Fetch::run() {
  const std::int64_t begun = read_clock().mono_ms;
  done_.id = job_.order.id;
  done_.app = job_.order.app;
  done_.manifest = job_.order.manifest;
  const AppStore::Pin manifest_pin(*job_.store, {job_.order.manifest});
  const auto text = manifest_text();
  if (!text) return text.error();
  const auto manifest = parse_manifest(*text);
  if (!manifest) return manifest.error();
  std::vector<std::string> names;
  for (const Manifest::File& file : manifest->files) names.push_back(file.sha256);
  const AppStore::Pin pin(*job_.store, std::move(names));

  const std::vector<Wanted> wanted = missing(*manifest);
  if (auto fits = check_space(wanted); !fits) return fits.error();
  for (const Wanted& blob : wanted)
    if (auto fetched = fetch_blob(blob); !fetched) return fetched.error();
  auto installed = job_.store->install(job_.order.app, job_.order.manifest, *manifest);
  if (!installed) return installed.error();
  done_.executable = manifest->exe;
  done_.elapsed_ms = read_clock().mono_ms - begun;
  return done_;
}

Result<std::string> Fetch::manifest_text() {
  const std::string& name = job_.order.manifest;
  if (blobs_.has(name)) return blobs_.read(name, kMaxManifest);
  std::string text;
  auto fetched = persist([&]() -> Status {
    auto got = fetch_text(name);
    if (!got) return got.error();
    text = std::move(*got);
    return {};
  });
  if (!fetched) return fetched.error();
  if (sha256_hex(text) != name)
    return fail(Code::kHashMismatch, "manifest " + name.substr(0, 12) + " has another SHA-256");
  if (auto stored = blobs_.put_bytes(text); !stored) return stored.error();
  return text;
}

Result<std::string> Fetch::fetch_text(const std::string& sha256) {
  const auto size = ask(sha256, 0);
  if (!size) return size.error();
  if (*size < 0 || *size > static_cast<std::int64_t>(kMaxManifest))
    return fail(Code::kTooLong, "manifest " + sha256.substr(0, 12) + " is too long");
  std::string text;
  while (text.size() < static_cast<std::size_t>(*size)) {
    const std::size_t left = static_cast<std::size_t>(*size) - text.size();
    const auto got = peer_->read_some(buffer_.get(), std::min(left, kBlock));
    if (!got) return got.error();
    text.append(buffer_.get(), *got);
  }
  return text;
}

std::vector<Fetch::Wanted> Fetch::missing(const Manifest& manifest) {
  std::vector<Wanted> wanted;
  std::set<std::string> seen;
  for (const Manifest::File& file : manifest.files) {
    if (!seen.insert(file.sha256).second) continue;
    if (blobs_.has(file.sha256)) {
      ++done_.files_there;
    } else {
      wanted.push_back({file.sha256, file.size});
      total_ += file.size;
    }
  }
  return wanted;
}

Status Fetch::check_space(const std::vector<Wanted>& wanted) const {
  const auto available = job_.store->free_bytes();
  if (wanted.empty() || !available || total_ <= *available) return {};
  return fail(Code::kNoSpace, print_bytes(total_) + " are needed in " + job_.store->root() +
                                  ", only " + print_bytes(*available) + " are free");
}

// What an interrupted transfer left may be damaged after a power failure; it is thrown away when
// the hash shows it, and fetched again from the start.
Status Fetch::fetch_blob(const Wanted& wanted) {
  bool resumed = false;
  Status fetched = fetch_once(wanted, &resumed);
  if (!fetched && resumed && fetched.error().code == Code::kHashMismatch)
    fetched = fetch_once(wanted, &resumed);
  if (fetched) ++done_.files_sent;
  return fetched;
}

Status Fetch::fetch_once(const Wanted& wanted, bool* resumed) {
  auto writer = blobs_.write(wanted.sha256, wanted.size);
  if (!writer) return writer.error();
  *resumed = writer->offset() > 0;
  const std::int64_t before = have_;
  have_ += writer->is_there() ? wanted.size : writer->offset();
  Status streamed = persist([&]() -> Status {
    if (writer->is_there() || writer->offset() == wanted.size) return {};
    const auto size = ask(wanted.sha256, writer->offset());
    return size ? stream(*writer, wanted) : Status(size.error());
  });
  if (streamed) streamed = writer->finish();
  if (!streamed) have_ = before;
  return streamed;
}

// The master's OK; behind it come the bytes from `offset` to the end. Any error leaves no usable
// connection behind, but for an ERR, after which the next request may follow.
Result<std::int64_t> Fetch::ask(const std::string& sha256, std::int64_t offset) {
  if (!peer_) {
    auto peer = dial_bulk(job_.target, *job_.cancel);
    if (!peer) return peer.error();
    peer_.emplace(std::move(*peer));
  }
  Line request("FETCH");
  request.add("sha256", sha256);
  if (offset > 0) request.add("offset", offset);
  if (auto sent = peer_->send_line(request); !sent) return sent.error();
  const auto answer = peer_->read_line();
  if (!answer) return answer.error();
  if (answer->verb() == "OK") return answer->number_or("size", -1);
  if (answer->verb() == "ERR")
    return fail(code_from(answer->text("code")), std::string(answer->text("msg", "refused")));
  return fail(Code::kBadLine, "expected OK or ERR, got " + answer->verb());
}

Status Fetch::stream(BlobWriter& writer, const Wanted& wanted) {
  while (writer.offset() < wanted.size) {
    const std::int64_t left = wanted.size - writer.offset();
    const std::size_t most =
        left < static_cast<std::int64_t>(kBlock) ? static_cast<std::size_t>(left) : kBlock;
    const auto got = peer_->read_some(buffer_.get(), most);
    if (!got) return got.error();
    if (auto written = writer.append({buffer_.get(), *got}); !written) return written;
    count(static_cast<std::int64_t>(*got));
  }
  return {};
}

Status Fetch::persist(const std::function<Status()>& call) {
  std::int64_t pause_ms = kFirstPauseMs;
  for (int tries = 1;; ++tries) {
    const std::int64_t before = done_.bytes;
    Status outcome = call();
    if (outcome) return outcome;
    peer_.reset();
    if (done_.bytes > before) {
      tries = 1;
      pause_ms = kFirstPauseMs;
    }
    if (!may_try_again(outcome.error()) || tries >= kTries || job_.cancel->load()) return outcome;
    pause(pause_ms);
    pause_ms *= 2;
  }
}

void Fetch::pause(std::int64_t milliseconds) const {
  const std::int64_t until = read_clock().mono_ms + milliseconds;
  while (read_clock().mono_ms < until && !job_.cancel->load()) ::poll(nullptr, 0, 50);
}

void Fetch::count(std::int64_t bytes) {
  done_.bytes += bytes;
  have_ += bytes;
  const std::int64_t now = read_clock().mono_ms;
  if (now - last_report_ < kProgressMs) return;
  last_report_ = now;
  job_.progress(have_, total_);
}

}  // namespace

Result<InstallDone> run_install(const InstallJob& job) {
  return Fetch(job).run();
}

}  // namespace dm::worker
