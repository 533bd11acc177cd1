#include "common/elf.h"

#include <cstdio>
#include <random>

#include "tests/unit/check.h"
#include "tests/unit/elf_image.h"

using namespace dm;
using namespace dm::test;

namespace {

ElfSpec spec() {
  ElfSpec spec;
  spec.interpreter = "/lib/ld.so";
  spec.needed = {"libc.so.6", "libm.so.6"};
  spec.soname = "libx.so.1";
  spec.rpath = "/old";
  spec.runpath = "$ORIGIN/lib:/opt";
  spec.version_needs = {{"libc.so.6", {"GLIBC_2.2.5", "GLIBC_2.34"}},
                        {"libm.so.6", {"GLIBC_2.29"}}};
  spec.weak_version = "GLIBC_9";
  spec.versions = {"X_1", std::string(300, 'X')};
  return spec;
}

std::string library(int bits, bool little, unsigned machine) {
  ElfSpec it = spec();
  it.bits = bits, it.little = little, it.machine = machine;
  return print_elf(it);
}

std::string error_of(std::string_view bytes) {
  const auto info = read_elf(bytes);
  return info ? "none" : info.error().message;
}

}  // namespace

TEST(elf_reads_both_classes_and_byte_orders) {
  const struct {
    int bits;
    bool little;
    unsigned number;
    std::string_view machine;
  } rows[] = {{64, true, 62, "x86_64"},      {32, true, 3, "i386"},      {64, false, 21, "ppc64"},
              {32, false, 8, "mips"},        {64, true, 183, "aarch64"}, {64, true, 21, "ppc64le"},
              {32, true, 62, "x32"},         {64, true, 243, "riscv64"}, {32, true, 40, "arm"},
              {64, true, 999, "machine_999"}};
  for (const auto& row : rows) {
    const auto info = read_elf(library(row.bits, row.little, row.number));
    REQUIRE(info.has_value());
    CHECK_EQ(info->bits, row.bits);
    CHECK_EQ(info->little_endian, row.little);
    CHECK_EQ(info->machine, row.machine);
    CHECK(info->type == ElfType::kShared);
    CHECK_EQ(info->interpreter, "/lib/ld.so");
    CHECK(info->needed == (std::vector<std::string>{"libc.so.6", "libm.so.6"}));
    CHECK_EQ(info->soname, "libx.so.1");
    CHECK_EQ(info->runpath, "$ORIGIN/lib:/opt");
    CHECK_EQ(info->rpath, "/old");
    REQUIRE(info->version_needs.size() == 2);
    CHECK_EQ(info->version_needs[0].library, "libc.so.6");
    CHECK(info->version_needs[0].versions ==
          (std::vector<std::string>{"GLIBC_2.2.5", "GLIBC_2.34"}));
    CHECK_EQ(info->version_needs[1].library, "libm.so.6");
    CHECK(info->version_needs[1].versions == std::vector<std::string>{"GLIBC_2.29"});
    CHECK(info->versions == (std::vector<std::string>{"X_1", std::string(300, 'X')}));
  }
}

TEST(elf_refuses_a_file_cut_at_any_byte) {
  for (const int bits : {32, 64}) {
    const std::string whole = library(bits, bits == 64, 62);
    const std::size_t word = bits == 64 ? 8 : 4;
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
      const auto message = error_of(std::string_view(whole).substr(0, size));
      CHECK(message == "is truncated" || message == "has a name without an end");
    }
    CHECK_EQ(error_of(whole), "none");
    CHECK_EQ(error_of(std::string_view(whole).substr(0, whole.size() - word)), "is truncated");
  }
}

TEST(elf_survives_random_damage) {
  std::mt19937 random(7);  // NOLINT: the same damage in every run
  for (const int bits : {32, 64}) {
    const std::string whole = library(bits, bits == 32, 62);
    for (int round = 0; round < 20000; ++round) {
      std::string bytes = whole;
      for (auto flips = 1 + random() % 4; flips > 0; --flips)
        bytes[random() % bytes.size()] = static_cast<char>(random() % 3 ? random() : 0xff);
      bool outside = false;
      const ReadAt read_at = [&](std::uint64_t offset, char* to, std::size_t size) {
        outside = outside || offset > bytes.size() || size > bytes.size() - offset;
        if (!outside) bytes.copy(to, size, static_cast<std::size_t>(offset));
        return !outside;
      };
      const auto info = read_elf(read_at, bytes.size());
      CHECK(!outside);
      if (info) CHECK(info->needed.size() <= 64);
    }
  }
}

TEST(elf_bounds_names_and_chains) {
  // Names: 40 needs that all point at one of 64 KiB would be 2.5 MiB.
  Image image(64, true, 62);
  const auto names = image.here();
  image.text(std::string(65536, 'n'));
  const auto dynamic = image.here();
  for (int i = 0; i < 40; ++i) image.dynamic(1, 0);
  image.dynamic(5, kBase + names), image.dynamic(10, 65537), image.dynamic(0, 0);
  CHECK_EQ(error_of(image.finish(names + 65536, 1, dynamic)), "has a name without an end");

  // Chains: each of 2000 records begins a chain of versions that runs through all the others.
  Image chain(64, true, 62);
  const auto records = chain.here();
  for (int i = 0; i < 2000; ++i) chain.put(0, 4), chain.put(0, 8), chain.put(16, 4);
  chain.put(0, 8), chain.put(0, 8);
  const auto end = chain.here();
  chain.dynamic(5, kBase + records), chain.dynamic(10, 1);
  chain.dynamic(0x6ffffffe, kBase + records), chain.dynamic(0, 0);
  CHECK_EQ(error_of(chain.finish(records, 1, end)), "has too many symbol versions");
}

TEST(elf_says_what_it_refuses) {
  std::string bytes = library(64, true, 62);
  CHECK_EQ(error_of("#!/bin/sh\n-----------------------"), "is not an ELF file");
  CHECK_EQ(error_of(""), "is truncated");
  bytes[4] = 3;
  CHECK_EQ(error_of(bytes), "is of an unknown ELF class or byte order");
  bytes = library(64, true, 62);
  bytes[54] = 57;
  CHECK_EQ(error_of(bytes), "has program headers of an unknown size");
  bytes = library(64, true, 62);
  bytes[56] = bytes[57] = '\xff';
  CHECK_EQ(error_of(bytes), "has too many program headers");
  bytes = library(64, true, 62);
  bytes[64 + 112 + 32 + 3] = 1;  // p_filesz of the dynamic section
  CHECK_EQ(error_of(bytes), "has too large a dynamic section");
}

TEST(elf_reads_this_very_program) {
  std::FILE* file = std::fopen("/proc/self/exe", "rb");
  if (!file) return;  // no proc file system here
  std::string bytes;
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
    bytes.append(buffer, n);
  std::fclose(file);
  CHECK(is_elf(bytes));
  const auto info = read_elf(bytes);
  REQUIRE(info.has_value());
  CHECK(info->type != ElfType::kOther);
#if defined(__x86_64__)
  CHECK_EQ(info->machine, "x86_64");
#endif
  if (info->interpreter.empty()) return;  // a static program
  CHECK(!info->needed.empty());
  CHECK(!info->version_needs.empty());
}

TEST(elf_finds_the_interpreter_of_a_script) {
  const struct {
    std::string_view text;
    std::optional<std::string> interpreter;
  } rows[] = {
      {"#!/bin/sh\necho", "/bin/sh"},
      {"#! \t/usr/bin/env python3 -u\n", "/usr/bin/env"},
      {"#!/bin/sh", "/bin/sh"},
      {"#!/bin/sh\r\n", "/bin/sh\r"},
      {"#!", std::nullopt},
      {"#!\n/bin/sh", std::nullopt},
      {"#! \t\n", std::nullopt},
      {" #!/bin/sh\n", std::nullopt},
      {"", std::nullopt},
      {"\x7f"
       "ELF",
       std::nullopt},
  };
  for (const auto& row : rows) CHECK(script_interpreter(row.text) == row.interpreter);
  CHECK(script_interpreter("#!" + std::string(1000, 'x'))->size() == 254);
}
