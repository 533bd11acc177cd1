// tests/unit/elf_image.h - small ELF files laid out by hand, for the tests that read such files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dm::test {

inline constexpr std::uint64_t kBase = 0x10000;  // where the one segment is loaded

// Lays out a small library by hand: header, program headers, names, versions, dynamic section.
class Image {
 public:
  Image(int bits, bool little, unsigned machine) : bits_(bits), little_(little) {
    bytes_ = std::string(
                 "\x7f"
                 "ELF") +
             (bits == 64 ? '\2' : '\1') + (little ? '\1' : '\2') + '\1';
    bytes_.resize(16);
    put(3, 2), put(machine, 2), put(1, 4);                       // ET_DYN, machine, EV_CURRENT
    put(0, word()), put(header_size(), word()), put(0, word());  // entry, phoff, shoff
    put(0, 4), put(header_size(), 2), put(program_header_size(), 2), put(3, 2);
    put(0, 6);  // no section headers
    program_headers_ = bytes_.size();
    bytes_.resize(bytes_.size() + 3 * program_header_size());
  }

  std::size_t word() const { return bits_ == 64 ? 8 : 4; }
  std::uint64_t here() const { return bytes_.size(); }
  void text(std::string_view value) { bytes_.append(value).push_back('\0'); }
  void put(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t shift = 8 * (little_ ? i : width - 1 - i);
      bytes_ += static_cast<char>(shift < 64 ? value >> shift : 0);
    }
  }
  void dynamic(std::uint64_t tag, std::uint64_t value) { put(tag, word()), put(value, word()); }
  // The finished file; the segments as offset and size.
  std::string finish(std::uint64_t interp, std::uint64_t interp_size, std::uint64_t dynamic_at) {
    const std::string body = std::exchange(bytes_, {});
    segment(1, 0, body.size());
    segment(3, interp, interp_size);
    segment(2, dynamic_at, body.size() - dynamic_at);
    std::string whole = body;
    return whole.replace(program_headers_, bytes_.size(), bytes_);
  }

 private:
  std::size_t header_size() const { return bits_ == 64 ? 64 : 52; }
  std::size_t program_header_size() const { return bits_ == 64 ? 56 : 32; }
  void segment(std::uint64_t type, std::uint64_t offset, std::uint64_t size) {
    put(type, 4);
    if (bits_ == 64) put(5, 4);
    put(offset, word()), put(kBase + offset, word()), put(kBase + offset, word());
    put(size, word()), put(size, word());
    if (bits_ == 32) put(5, 4);
    put(4096, word());
  }

  int bits_;
  bool little_;
  std::string bytes_;
  std::size_t program_headers_ = 0;
};

struct ElfSpec {
  int bits = 64;
  bool little = true;
  unsigned machine = 62;  // x86-64
  std::string interpreter, soname, runpath, rpath;
  std::vector<std::string> needed;
  std::vector<std::pair<std::string, std::vector<std::string>>> version_needs;  // by library
  std::string weak_version;           // one more of each library, if any
  std::vector<std::string> versions;  // defined
};

namespace elf_detail {

struct Need {
  std::uint64_t library;
  std::vector<std::pair<std::uint64_t, unsigned>> versions;  // name, flags
};

// One Verneed for each library, followed by a Vernaux for each version.
inline void put_needs(Image& image, const std::vector<Need>& needs) {
  for (const Need& need : needs) {
    const std::uint64_t next = &need == &needs.back() ? 0 : 16 + 16 * need.versions.size();
    image.put(1, 2), image.put(need.versions.size(), 2), image.put(need.library, 4);
    image.put(16, 4), image.put(next, 4);
    for (const auto& version : need.versions) {
      image.put(0, 4), image.put(version.second, 2), image.put(2, 2), image.put(version.first, 4);
      image.put(&version == &need.versions.back() ? 0 : 16, 4);
    }
  }
}

// One Verdef, with one Verdaux, for each name; the first is the library itself.
inline void put_versions(Image& image, const std::vector<std::uint64_t>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    image.put(1, 2), image.put(i == 0 ? 1 : 0, 2), image.put(1, 2), image.put(1, 2);
    image.put(0, 4), image.put(20, 4), image.put(i + 1 < names.size() ? 28 : 0, 4);
    image.put(names[i], 4), image.put(0, 4);
  }
}

}  // namespace elf_detail

inline std::string print_elf(const ElfSpec& spec) {
  Image image(spec.bits, spec.little, spec.machine);
  const auto interpreter = image.here();
  image.text(spec.interpreter);
  const auto names = image.here();
  const auto name = [&](std::string_view text) {
    const auto at = image.here() - names;
    image.text(text);
    return at;
  };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> tags;
  for (const std::string& needed : spec.needed) tags.emplace_back(1, name(needed));
  if (!spec.soname.empty()) tags.emplace_back(14, name(spec.soname));
  if (!spec.rpath.empty()) tags.emplace_back(15, name(spec.rpath));
  if (!spec.runpath.empty()) tags.emplace_back(29, name(spec.runpath));
  std::vector<elf_detail::Need> needs;
  for (const auto& [library, versions] : spec.version_needs) {
    needs.push_back({name(library), {}});
    if (!spec.weak_version.empty()) needs.back().versions.emplace_back(name(spec.weak_version), 2);
    for (const std::string& version : versions)
      needs.back().versions.emplace_back(name(version), 0);
  }
  std::vector<std::uint64_t> versions = {name(spec.soname)};
  for (const std::string& version : spec.versions) versions.push_back(name(version));
  tags.emplace_back(5, kBase + names);
  tags.emplace_back(10, image.here() - names);
  if (!needs.empty()) tags.emplace_back(0x6ffffffe, kBase + image.here());
  elf_detail::put_needs(image, needs);
  if (versions.size() > 1) tags.emplace_back(0x6ffffffc, kBase + image.here());
  elf_detail::put_versions(image, versions);
  const auto dynamic = image.here();
  for (const auto& [tag, value] : tags) image.dynamic(tag, value);
  image.dynamic(0, 0), image.dynamic(1, 9999);  // what follows DT_NULL does not count
  return image.finish(interpreter, spec.interpreter.size() + 1, dynamic);
}

}  // namespace dm::test
