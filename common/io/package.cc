#include "common/io/package.h"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "common/escape.h"
#include "common/io/elf_file.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/library_path.h"
#include "common/names.h"
#include "common/probe.h"
#include "common/sha256.h"

namespace dm {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::size_t kBuffer = 256 * 1024;   // bytes a read(2)
constexpr std::string_view kScratch = "tmp";  // TMPDIR, in an instance's working directory

struct Item {
  FileKind kind = FileKind::kFile;
  std::string name;
  std::string path;
  std::int64_t size = 0;
  unsigned mode = 0644;
  std::optional<ElfInfo> elf;
  std::string head;  // the first bytes
};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// The path without links and ".."; as it was where there is none.
std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &::free);
  return real ? std::string(real.get()) : path;
}

Error refuse(std::string message) {
  return fail(Code::kBadArg, std::move(message));
}

Result<Item> open_item(FileKind kind, const std::string& name, const std::string& path) {
  const auto file = open_regular_file(path);
  if (!file) return file.error();
  if (!is_file_name(name))
    return refuse(path + ": a file named '" + excerpt(name) + "' cannot be copied");
  Item item{kind, name, path, file->size, 0644, std::nullopt, std::string(256, '\0')};
  if (kind == FileKind::kExe || file->is_executable) item.mode = 0755;
  const ssize_t got =
      retry([&] { return ::pread(file->fd.get(), item.head.data(), item.head.size(), 0); });
  if (got < 0) return system_error("cannot read", path);
  item.head.resize(static_cast<std::size_t>(got));
  if (kind == FileKind::kFile || !is_elf(item.head)) return item;
  auto elf = read_elf_file(*file);
  if (!elf) return refuse(path + " " + elf.error().message);
  item.elf = std::move(*elf);
  return item;
}

bool same_machine(const ElfInfo& a, const ElfInfo& b) {
  return a.machine == b.machine && a.bits == b.bits && a.little_endian == b.little_endian;
}

std::vector<std::string> run_path(const Item& item, const std::string& origin) {
  if (!item.elf) return {};
  return expand_run_path(item.elf->runpath.empty() ? item.elf->rpath : item.elf->runpath, origin);
}

// The files of one version in the making.
class Packer {
 public:
  explicit Packer(const PackageRequest& request) : request_(request) {}
  Result<Package> pack(const PackageProgress& progress);

 private:
  Status add(FileKind kind, const std::string& path);
  Status add_what_was_named();
  Status check_executable();
  Status check_machines() const;
  Status follow_needs();
  Status follow(std::size_t index, const std::string& library);
  bool is_named(const std::string& library);
  std::vector<std::string> directories_for(const Item& item) const;
  std::optional<Item> search(const Item& item, const std::string& library) const;
  std::optional<std::string> fixed_place(const Item& item, const std::string& library) const;
  Status hash(Item& item, Package::Source& source, const PackageProgress& progress);
  void fill(Manifest& manifest) const;

  const PackageRequest& request_;
  std::vector<Item> items_;  // the executable first
  std::string interpreter_;
  std::set<std::string> wanted_;              // libraries that some file needs by this name
  std::map<std::string, std::string> needs_;  // those not taken along: what to look for there
  std::vector<std::string> taken_along_;
  std::int64_t done_ = 0, total_ = 0;
};

Status Packer::add(FileKind kind, const std::string& path) {
  auto item = open_item(kind, base_name(path), path);
  if (!item) return item.error();
  for (const Item& other : items_)
    if (other.kind == kind && other.name == item->name)
      return refuse("two files for --" + std::string(word(kind)) + " are named '" +
                    excerpt(item->name) + "': " + other.path + " and " + path);
  if (kind == FileKind::kFile && item->name == kScratch)
    return refuse(path + ": an app has its TMPDIR under that name; give the file another name");
  if (items_.size() >= kMaxManifestFiles)
    return fail(Code::kTooLong, "a version has at most 4096 files");
  items_.push_back(std::move(*item));
  return {};
}

Status Packer::add_what_was_named() {
  if (auto added = add(FileKind::kExe, request_.executable); !added) return added;
  if (auto checked = check_executable(); !checked) return checked;
  for (const std::string& path : request_.libs)
    if (auto added = add(FileKind::kLib, path); !added) return added;
  for (const std::string& path : request_.files)
    if (auto added = add(FileKind::kFile, path); !added) return added;
  return check_machines();
}

Status Packer::check_executable() {
  const Item& exe = items_[0];
  if (exe.elf) {
    interpreter_ = exe.elf->interpreter;
    if (exe.elf->type == ElfType::kOther) return refuse(exe.path + " is ELF, but not a program");
    return {};
  }
  if (std::string_view(exe.head).starts_with(kByteOrderMark))
    return refuse(exe.path +
                  " begins with a byte order mark, so no system sees its #!; save it "
                  "as UTF-8 without BOM");
  const auto interpreter = script_interpreter(exe.head);
  if (!interpreter) return refuse(exe.path + " is neither an ELF program nor a script (#!)");
  if (const std::size_t end = exe.head.find('\n');
      interpreter->ends_with('\r') || (end != std::string::npos && exe.head[end - 1] == '\r'))
    return refuse(exe.path +
                  " has DOS line ends, so no system finds its interpreter; convert it, "
                  "for example by dos2unix");
  if (!interpreter->starts_with('/'))
    return refuse(exe.path + ": its interpreter '" + excerpt(*interpreter) +
                  "' is not an absolute path");
  interpreter_ = *interpreter;
  return {};
}

Status Packer::check_machines() const {
  const Item* first = nullptr;
  for (const Item& item : items_) {
    if (!item.elf) continue;
    if (!first) first = &item;
    if (!same_machine(*first->elf, *item.elf))
      return refuse(item.path + " is built for " + item.elf->machine + ", but " + first->path +
                    " for " + first->elf->machine);
  }
  return {};
}

// Whether a library is in the package already. One that was named by another of its names (a
// link's target, say) gets the name under which the loader will look for it.
bool Packer::is_named(const std::string& library) {
  const auto has_name = [&](const Item& item) {
    return item.kind == FileKind::kLib && item.name == library;
  };
  if (std::any_of(items_.begin(), items_.end(), has_name)) return true;
  for (Item& item : items_) {
    if (item.kind != FileKind::kLib || !item.elf || item.elf->soname != library) continue;
    if (wanted_.count(item.name) > 0) continue;  // its present name is needed as well
    item.name = library;
    return true;
  }
  return false;
}

std::vector<std::string> Packer::directories_for(const Item& item) const {
  const Item& exe = items_[0];
  // The kernel tells a program its path without links, so that is what its $ORIGIN is made of.
  const std::string origin = parent_directory(real_path(exe.path));
  std::vector<std::string> directories = {parent_directory(exe.path), origin};
  for (std::string& directory : run_path(exe, origin)) directories.push_back(std::move(directory));
  const std::string own = parent_directory(absolute_path(item.path));
  for (std::string& directory : run_path(item, own)) directories.push_back(std::move(directory));
  return directories;
}

std::optional<Item> Packer::search(const Item& item, const std::string& library) const {
  if (is_part_of_glibc(library)) return std::nullopt;
  for (const std::string& directory : directories_for(item)) {
    if (is_system_directory(real_path(directory))) continue;
    // What cannot be read, or is for another machine, is passed over, as ld.so does.
    auto found = open_item(FileKind::kLib, library, directory + "/" + library);
    if (found && found->elf && same_machine(*found->elf, *item.elf)) return std::move(*found);
  }
  return std::nullopt;
}

// A library that the loader will find on the worker only by the run path, because it lies in a
// directory of the system's that is not searched otherwise (/usr/lib/jvm/...): its path.
std::optional<std::string> Packer::fixed_place(const Item& item, const std::string& library) const {
  const auto searched = default_library_directories(item.elf->machine);
  // With this origin whatever depends on $ORIGIN is relative, and so left out.
  auto directories = run_path(item, ".");
  for (std::string& directory : run_path(items_[0], ".")) directories.push_back(directory);
  for (const std::string& directory : directories) {
    if (std::find(searched.begin(), searched.end(), directory) != searched.end()) return {};
    const auto found = open_item(FileKind::kLib, library, directory + "/" + library);
    if (found && found->elf && same_machine(*found->elf, *item.elf)) return found->path;
  }
  return {};
}

Status Packer::follow(std::size_t index, const std::string& library) {
  const std::string& path = items_[index].path;
  if (library.starts_with('/')) {  // the loader goes to that path and nowhere else
    needs_[library] = library;
    return {};
  }
  if (!is_file_name(library))
    return refuse(path + " needs a library as '" + excerpt(library) +
                  "', which cannot be taken along");
  if (!wanted_.insert(library).second || is_named(library)) return {};
  auto found = search(items_[index], library);
  if (!found) {
    needs_[library] = fixed_place(items_[index], library).value_or(library);
    return {};
  }
  if (items_.size() >= kMaxManifestFiles)
    return fail(Code::kTooLong, "a version has at most 4096 files");
  taken_along_.push_back(found->path);
  items_.push_back(std::move(*found));
  return {};
}

Status Packer::follow_needs() {
  for (std::size_t i = 0; i < items_.size(); ++i) {  // items_ grows meanwhile
    if (!items_[i].elf) continue;
    const std::vector<std::string> needed = items_[i].elf->needed;
    for (const std::string& library : needed)
      if (auto followed = follow(i, library); !followed) return followed;
  }
  return {};
}

Status Packer::hash(Item& item, Package::Source& source, const PackageProgress& progress) {
  const auto file = open_regular_file(item.path);
  if (!file) return file.error();
  ::posix_fadvise(file->fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // a hint: it may fail
  Sha256 sha256;
  std::vector<char> buffer(kBuffer);
  std::int64_t size = 0;
  while (size <= item.size) {  // of a file that grows for ever no more is read
    const ssize_t got = retry([&] { return ::read(file->fd.get(), buffer.data(), kBuffer); });
    if (got < 0) return system_error("cannot read", item.path);
    if (got == 0) break;
    sha256.update(buffer.data(), static_cast<std::size_t>(got));
    size += got;
    done_ += got;
    if (progress) progress(std::min(done_, total_), total_);
  }
  if (size != item.size) return fail(Code::kBusy, item.path + " changed while it was read");
  source = {item.path, to_hex(sha256.finish()), size};
  return {};
}

void Packer::fill(Manifest& manifest) const {
  manifest.app = request_.app.empty() ? app_name_from_file(request_.executable) : request_.app;
  manifest.exe = items_[0].name;  // the executable's kind sorts first
  manifest.arch = "any";
  manifest.interpreter = interpreter_;
  std::set<Manifest::Need> needs;
  for (const auto& [library, place] : needs_) needs.insert({place, ""});
  for (const Item& item : items_) {
    if (!item.elf) continue;
    manifest.arch = item.elf->machine;  // check_machines() has seen that all are one
    for (const auto& [library, versions] : item.elf->version_needs) {
      const auto need = needs_.find(library);
      if (need == needs_.end()) continue;
      for (const std::string& version : versions) needs.insert({need->second, version});
    }
  }
  manifest.needs.assign(needs.begin(), needs.end());
  manifest.glibc = newest_glibc(manifest.needs);
}

Result<Package> Packer::pack(const PackageProgress& progress) {
  if (auto added = add_what_was_named(); !added) return added.error();
  if (auto followed = follow_needs(); !followed) return followed.error();
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  for (const Item& item : items_) total_ += item.size;
  Package package;
  for (Item& item : items_) {
    Package::Source source;
    if (auto hashed = hash(item, source, progress); !hashed) return hashed.error();
    package.manifest.files.push_back({item.kind, item.name, source.sha256, source.size, item.mode});
    package.sources.push_back(std::move(source));
  }
  fill(package.manifest);
  package.taken_along = std::move(taken_along_);
  // Whatever an ELF file says of itself has to pass the same rules as at the other end.
  const auto checked = parse_manifest(print_manifest(package.manifest));
  if (!checked)
    return fail(checked.error().code, request_.executable + ": " + checked.error().message);
  return package;
}

}  // namespace

Result<Package> make_package(const PackageRequest& request, const PackageProgress& progress) {
  return Packer(request).pack(progress);
}

}  // namespace dm
