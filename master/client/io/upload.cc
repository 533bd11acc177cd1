#include "master/client/io/upload.h"

#include <fcntl.h>
#include <sys/sendfile.h>

#include "common/io/system.h"
#include "common/manifest.h"
#include "common/sha256.h"

namespace dm {
namespace {

constexpr std::size_t kPiece = 1 << 20;

// Reads the answer to one request; an ERR becomes an Error.
Result<Line> answer_of(LinePeer& master) {
  auto line = master.read_line();
  if (line && line->verb() == "ERR")
    return fail(code_from(line->text("code")), std::string(line->text("msg")));
  return line;
}

Result<bool> has(LinePeer& master, const std::string& sha256) {
  Line have("HAVE");
  if (auto sent = master.send_line(have.add("id", "have").add("sha256", sha256)); !sent)
    return sent.error();
  const auto answer = answer_of(master);
  if (!answer) return answer.error();
  return answer->number_or("have", 0) != 0;
}

Line put_line(const std::string& sha256, std::int64_t size) {
  return Line("PUT").add("id", "put").add("sha256", sha256).add("size", size);
}

Status put_bytes(LinePeer& master, const std::string& sha256, const std::string& content) {
  const auto size = static_cast<std::int64_t>(content.size());
  if (auto sent = master.send_line(put_line(sha256, size)); !sent) return sent;
  if (auto sent = master.send(content); !sent) return sent;
  const auto answer = answer_of(master);
  return answer ? Status() : Status(answer.error());
}

Status put_file(LinePeer& master, const Package::Source& source,
                const std::function<void(std::int64_t)>& progress) {
  const Fd file(::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return system_error("open", source.path);
  if (auto sent = master.send_line(put_line(source.sha256, source.size)); !sent) return sent;
  std::vector<char> bytes(kPiece);
  for (std::int64_t at = 0; at < source.size;) {
    const auto want =
        std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(source.size - at));
    const ssize_t got = retry([&] { return ::pread(file.get(), bytes.data(), want, at); });
    if (got < 0) return system_error("read", source.path);
    if (got == 0) return fail(Code::kBusy, source.path + " became shorter while it was sent");
    if (auto sent = master.send({bytes.data(), static_cast<std::size_t>(got)}); !sent) return sent;
    at += got;
    progress(at);
  }
  const auto answer = answer_of(master);
  return answer ? Status() : Status(answer.error());
}

}  // namespace

Result<Uploaded> upload_package(LinePeer& master, const PackageRequest& request,
                                const UploadProgress& progress) {
  auto package = make_package(
      request, [&](std::int64_t done, std::int64_t total) { progress("reading", done, total); });
  if (!package) return package.error();
  std::int64_t total = 0, done = 0;
  for (const Package::Source& source : package->sources) total += source.size;
  for (const Package::Source& source : package->sources) {
    const auto there = has(master, source.sha256);
    if (!there) return there.error();
    if (!*there) {
      auto sent = put_file(master, source,
                           [&](std::int64_t at) { progress("to the master", done + at, total); });
      if (!sent) return sent.error();
    }
    done += source.size;
  }
  const std::string manifest = print_manifest(package->manifest);
  const std::string version = sha256_hex(manifest);
  const auto there = has(master, version);
  if (!there) return there.error();
  if (!*there)
    if (auto sent = put_bytes(master, version, manifest); !sent) return sent.error();
  return Uploaded{version, std::move(package->taken_along)};
}

}  // namespace dm
