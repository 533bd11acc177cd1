#include "master/io/package_store.h"

#include <fcntl.h>

#include <array>

#include "common/io/system.h"
#include "common/sha256.h"

namespace dm::master {
namespace {

Status copy_in(BlobWriter& writer, const DiskRoom& room, const Package::Source& source, int file) {
  if (auto has = room.take(source.size - writer.offset()); !has) return has;
  std::vector<char> bytes(1 << 20);
  off_t at = writer.offset();
  while (true) {
    const ssize_t got = retry([&] { return ::pread(file, bytes.data(), bytes.size(), at); });
    if (got < 0) return system_error("read", source.path);
    if (got == 0) break;
    at += got;
    if (auto added = writer.append({bytes.data(), static_cast<std::size_t>(got)}); !added)
      return added;
  }
  return writer.finish();
}

Status store_file(const BlobStore& store, const DiskRoom& room, const Package::Source& source) {
  if (store.has(source.sha256)) return {};
  const Fd file(::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return system_error("open", source.path);
  auto writer = store.write(source.sha256, source.size);
  if (!writer) return writer.error();
  if (writer->is_there()) return {};
  Status stored = copy_in(*writer, room, source, file.get());
  if (!stored && stored.error().code == Code::kNoSpace) writer->discard();
  return stored;
}

}  // namespace

Result<PackageInfo> store_package(const BlobStore& store, const DiskRoom& room,
                                  const PackageRequest& request) {
  auto package = make_package(request);
  if (!package) return package.error();
  for (const Package::Source& source : package->sources)
    if (auto stored = store_file(store, room, source); !stored) return stored.error();
  const auto version = store.put_bytes(print_manifest(package->manifest));
  if (!version) return version.error();
  return PackageInfo{*version, std::move(package->manifest), std::move(package->taken_along)};
}

Result<PackageInfo> load_package(const BlobStore& store, const std::string& version) {
  if (!is_sha256_hex(version)) return fail(Code::kBadArg, "manifest= must be a SHA-256");
  const auto text = store.read(version, kMaxManifest);
  if (!text) return text.error();
  auto manifest = parse_manifest(*text);
  if (!manifest) return manifest.error();
  for (const Manifest::File& file : manifest->files)
    if (store.size(file.sha256) != file.size)
      return fail(Code::kNotFound, "the content of " + file.name + " was not brought up");
  return PackageInfo{version, std::move(*manifest), {}};
}

}  // namespace dm::master
