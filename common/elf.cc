#include "common/elf.h"

#include <algorithm>
#include <cstring>

namespace dm {
namespace {

constexpr std::size_t kMaxProgramHeaders = 64 * 1024;  // bytes: execve(2) takes no more
constexpr std::size_t kMaxDynamic = 1024 * 1024;       // bytes
constexpr std::size_t kMaxVersions = 16384;            // records of all kinds together
constexpr std::size_t kMaxStrings = 1024 * 1024;       // bytes, of all strings together

// Where the two classes keep their fields; the ones in common stand in the code.
struct Layout {
  std::size_t word, header, e_phoff, e_phentsize;
  std::size_t program_header, p_offset, p_vaddr, p_filesz;
};
constexpr Layout kLayout32 = {4, 52, 28, 42, 32, 4, 8, 16};
constexpr Layout kLayout64 = {8, 64, 32, 54, 56, 8, 16, 32};

enum ProgramHeaderType : std::uint32_t { kLoad = 1, kDynamic = 2, kInterp = 3 };
enum Tag : std::uint64_t {
  kNeeded = 1,
  kStrtab = 5,
  kStrsz = 10,
  kSoname = 14,
  kRpath = 15,
  kRunpath = 29,
  kVerdef = 0x6ffffffc,
  kVerneed = 0x6ffffffe,
};
constexpr unsigned kBaseVersion = 1;  // VER_FLG_BASE: the library itself, not a version
constexpr unsigned kWeakVersion = 2;  // VER_FLG_WEAK

struct MachineRow {
  unsigned number;
  std::string_view word32, word64;
};
constexpr MachineRow kMachines[] = {
    {2, "sparc", ""},
    {3, "i386", ""},
    {8, "mips", "mips64"},
    {20, "ppc", ""},
    {21, "", "ppc64"},
    {22, "s390", "s390x"},
    {40, "arm", ""},
    {43, "", "sparc64"},
    {62, "x32", "x86_64"},
    {183, "ilp32", "aarch64"},
    {243, "riscv32", "riscv64"},
    {258, "loongarch32", "loongarch64"},
};

std::string machine_word(unsigned number, int bits, bool little_endian) {
  std::string_view word;
  for (const MachineRow& row : kMachines)
    if (row.number == number) word = bits == 64 ? row.word64 : row.word32;
  if (word.empty()) return "machine_" + std::to_string(number);
  return std::string(word) + (word == "ppc64" && little_endian ? "le" : "");
}

// The first thing that is found wrong is kept; from then on every read gives zeros, so that the
// code below needs no check after each of them.
class Reader {
 public:
  Reader(const ReadAt& read_at, std::uint64_t size) : read_at_(read_at), size_(size) {}
  Result<ElfInfo> read();

 private:
  struct Segment {
    std::uint64_t offset, address, size;
  };

  void wrong(std::string_view what) {
    if (wrong_.empty()) wrong_ = what;
  }
  std::string block(std::uint64_t offset, std::uint64_t size);
  std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t width) const;
  std::uint64_t word(std::string_view bytes, std::size_t at) const {
    return number(bytes, at, layout_->word);
  }
  std::string at_address(std::uint64_t address, std::uint64_t size);
  std::string text_until_nul(std::uint64_t offset, std::uint64_t most);
  std::string name(std::uint64_t at) {
    return at < names_size_ ? text_until_nul(names_ + at, names_size_ - at) : no_name();
  }
  std::string no_name() {
    wrong("has a name outside of its string table");
    return {};
  }

  void read_header();
  void read_program_headers(std::uint64_t offset, std::size_t count);
  void read_dynamic();
  void find_names();
  std::uint64_t offset_of(std::uint64_t address);
  std::uint64_t first_of(Tag tag) const;
  void read_version_needs(std::uint64_t address);
  void read_needed_versions(std::uint64_t address, ElfInfo::VersionNeed& need);
  void read_versions(std::uint64_t address);
  bool next_record(std::uint64_t& address, std::uint64_t distance);

  const ReadAt& read_at_;
  std::uint64_t size_;
  std::string_view wrong_;
  const Layout* layout_ = &kLayout64;
  std::vector<Segment> loads_;
  Segment dynamic_{0, 0, 0};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> tags_;
  std::uint64_t names_ = 0, names_size_ = 0;  // the string table: offset in the file, and bytes
  std::size_t strings_left_ = kMaxStrings;
  std::size_t records_left_ = kMaxVersions;
  ElfInfo info_;
};

// `size` bytes at `offset`, zeros if the file does not have them.
std::string Reader::block(std::uint64_t offset, std::uint64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!wrong_.empty()) return bytes;
  if (offset > size_ || size > size_ - offset || !read_at_(offset, bytes.data(), bytes.size())) {
    wrong("is truncated");
    std::fill(bytes.begin(), bytes.end(), '\0');
  }
  return bytes;
}

std::uint64_t Reader::number(std::string_view bytes, std::size_t at, std::size_t width) const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t index = info_.little_endian ? at + width - 1 - i : at + i;
    value = value << 8 | static_cast<unsigned char>(bytes[index]);
  }
  return value;
}

std::uint64_t Reader::offset_of(std::uint64_t address) {
  for (const Segment& load : loads_)
    if (address >= load.address && address - load.address < load.size)
      return load.offset + (address - load.address);  // may wrap: block() looks at the result
  wrong("has a table outside of its segments");
  return 0;
}

std::string Reader::at_address(std::uint64_t address, std::uint64_t size) {
  return block(offset_of(address), size);
}

std::string Reader::text_until_nul(std::uint64_t offset, std::uint64_t most) {
  constexpr std::uint64_t kPiece = 128;
  std::string text;
  while (wrong_.empty() && most > 0) {
    if (offset >= size_) break;
    const std::uint64_t piece = std::min({kPiece, most, size_ - offset});
    const std::string bytes = block(offset, piece);
    const std::size_t end = std::min(bytes.find('\0'), bytes.size());
    if (end > strings_left_) break;
    strings_left_ -= end;
    text.append(bytes, 0, end);
    if (end < bytes.size()) return text;
    offset += piece;
    most -= piece;
  }
  wrong("has a name without an end");
  return {};
}

void Reader::read_header() {
  const std::string ident = block(0, 20);
  if (!is_elf(ident)) return wrong("is not an ELF file");
  const char kind = ident[4], order = ident[5];
  if ((kind != 1 && kind != 2) || (order != 1 && order != 2))
    return wrong("is of an unknown ELF class or byte order");
  info_.bits = kind == 1 ? 32 : 64;
  info_.little_endian = order == 1;
  layout_ = kind == 1 ? &kLayout32 : &kLayout64;
  const std::string header = block(0, layout_->header);
  const auto type = number(header, 16, 2);
  info_.type = type == 2 ? ElfType::kExecutable : type == 3 ? ElfType::kShared : ElfType::kOther;
  info_.machine =
      machine_word(static_cast<unsigned>(number(header, 18, 2)), info_.bits, info_.little_endian);
  const auto count = number(header, layout_->e_phentsize + 2, 2);
  if (count > 0 && number(header, layout_->e_phentsize, 2) != layout_->program_header)
    return wrong("has program headers of an unknown size");
  if (count * layout_->program_header > kMaxProgramHeaders)
    return wrong("has too many program headers");
  read_program_headers(word(header, layout_->e_phoff), static_cast<std::size_t>(count));
}

void Reader::read_program_headers(std::uint64_t offset, std::size_t count) {
  const std::string headers = block(offset, count * layout_->program_header);
  for (std::size_t i = 0; i < count; ++i) {
    const auto header = std::string_view(headers).substr(i * layout_->program_header);
    const Segment segment{word(header, layout_->p_offset), word(header, layout_->p_vaddr),
                          word(header, layout_->p_filesz)};
    switch (number(header, 0, 4)) {
      case kLoad: loads_.push_back(segment); break;
      case kDynamic: dynamic_ = segment; break;
      case kInterp: info_.interpreter = text_until_nul(segment.offset, segment.size); break;
      default: break;
    }
  }
}

// The value of the first entry of a tag; 0 if there is none, which is no valid value of those
// that are asked for.
std::uint64_t Reader::first_of(Tag tag) const {
  for (const auto& [key, value] : tags_)
    if (key == tag) return value;
  return 0;
}

void Reader::find_names() {
  names_size_ = first_of(kStrsz);
  if (names_size_ > 0) names_ = offset_of(first_of(kStrtab));
}

void Reader::read_dynamic() {
  if (dynamic_.size > kMaxDynamic) return wrong("has too large a dynamic section");
  const std::string bytes = block(dynamic_.offset, dynamic_.size);
  const std::size_t entry = 2 * layout_->word;
  for (std::size_t at = 0; at + entry <= bytes.size(); at += entry) {
    const std::uint64_t tag = word(bytes, at);
    if (tag == 0) break;  // DT_NULL: what follows is room for the linker
    tags_.emplace_back(tag, word(bytes, at + layout_->word));
  }
  find_names();
  for (const auto& [tag, value] : tags_) {
    if (!wrong_.empty()) return;
    switch (tag) {
      case kNeeded: info_.needed.push_back(name(value)); break;
      case kSoname: info_.soname = name(value); break;
      case kRpath: info_.rpath = name(value); break;
      case kRunpath: info_.runpath = name(value); break;
      default: break;
    }
  }
  if (const auto address = first_of(kVerneed)) read_version_needs(address);
  if (const auto address = first_of(kVerdef)) read_versions(address);
}

// Moves on to the next record of a chain; false at its end. Distances are never negative, so a
// chain goes forward only, and the number of records is bounded all the same.
bool Reader::next_record(std::uint64_t& address, std::uint64_t distance) {
  if (records_left_ == 0) wrong("has too many symbol versions");
  if (distance == 0 || !wrong_.empty()) return false;
  --records_left_;
  address += distance;
  return true;
}

void Reader::read_version_needs(std::uint64_t address) {
  for (std::string record;;) {  // Elf_Verneed
    record = at_address(address, 16);
    ElfInfo::VersionNeed need;
    need.library = name(number(record, 4, 4));
    read_needed_versions(address + number(record, 8, 4), need);
    if (!need.versions.empty()) info_.version_needs.push_back(std::move(need));
    if (!next_record(address, number(record, 12, 4))) return;
  }
}

void Reader::read_needed_versions(std::uint64_t address, ElfInfo::VersionNeed& need) {
  for (std::string record;;) {  // Elf_Vernaux
    record = at_address(address, 16);
    const bool weak = number(record, 4, 2) & kWeakVersion;
    if (!weak) need.versions.push_back(name(number(record, 8, 4)));
    if (!next_record(address, number(record, 12, 4))) return;
  }
}

void Reader::read_versions(std::uint64_t address) {
  for (std::string record;;) {  // Elf_Verdef, and the first Elf_Verdaux, which is its name
    record = at_address(address, 20);
    const std::string name_record = at_address(address + number(record, 12, 4), 8);
    const bool base = number(record, 2, 2) & kBaseVersion;
    if (!base) info_.versions.push_back(name(number(name_record, 0, 4)));
    if (!next_record(address, number(record, 16, 4))) return;
  }
}

Result<ElfInfo> Reader::read() {
  read_header();
  if (wrong_.empty() && dynamic_.size > 0) read_dynamic();
  if (!wrong_.empty()) return fail(Code::kBadArg, std::string(wrong_));
  return std::move(info_);
}

}  // namespace

bool is_elf(std::string_view bytes) {
  return bytes.starts_with(
      "\x7f"
      "ELF");
}

Result<ElfInfo> read_elf(const ReadAt& read_at, std::uint64_t size) {
  return Reader(read_at, size).read();
}

Result<ElfInfo> read_elf(std::string_view bytes) {
  const ReadAt read_at = [bytes](std::uint64_t offset, char* to, std::size_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return false;
    std::copy_n(bytes.data() + offset, size, to);
    return true;
  };
  return read_elf(read_at, bytes.size());
}

std::optional<std::string> script_interpreter(std::string_view bytes) {
  if (!bytes.starts_with("#!")) return std::nullopt;
  std::string_view line = bytes.substr(2, std::min(bytes.find('\n'), std::size_t{256}) - 2);
  const auto start = line.find_first_not_of(" \t");
  if (start == line.npos) return std::nullopt;
  line.remove_prefix(start);
  return std::string(line.substr(0, line.find_first_of(std::string_view(" \t\0", 3))));
}

}  // namespace dm
