#include "common/manifest.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "common/codec.h"
#include "common/escape.h"
#include "common/names.h"
#include "common/sha256.h"

namespace dm {
namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::string_view kKinds[] = {"exe", "lib", "file"};

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_clean_path(std::string_view text) {
  return text.size() <= kMaxPath && text.size() > 1 && text[0] == '/' &&
         std::none_of(text.begin(), text.end(), is_control);
}
bool is_version_word(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::none_of(text.begin(), text.end(), is_control);
}
// "2.34": digits and dots, both ends digits.
bool is_version_number(std::string_view text) {
  return !text.empty() && text.size() <= 32 && is_digit(text.front()) && is_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

std::optional<FileKind> kind_from(std::string_view text) {
  const auto* found = std::find(std::begin(kKinds), std::end(kKinds), text);
  if (found == std::end(kKinds)) return std::nullopt;
  return static_cast<FileKind>(found - std::begin(kKinds));
}

std::string octal(unsigned mode) {
  std::string text;
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + (mode >> shift & 7));
  return text;
}

// Exactly three octal digits: neither a set-user-id bit nor a second spelling fits in.
std::optional<unsigned> octal_from(std::string_view text) {
  if (text.size() != 3) return std::nullopt;
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  return mode;
}

// What a line handler found wrong; empty if nothing.
using Wrong = std::string;

Wrong bad_value(std::string_view key, std::string_view value) {
  return "bad " + std::string(key) + " '" + excerpt(value) + "'";
}

Wrong read_head(const Line& line, Manifest& manifest) {
  if (line.text("format") != "1")
    return "unknown format '" + excerpt(line.text("format")) + "', this program knows 1";
  manifest.app = line.text("app");
  manifest.exe = line.text("exe");
  manifest.arch = line.text("arch");
  manifest.interpreter = line.text("interp");
  manifest.glibc = line.text("glibc");
  if (!is_app_name(manifest.app)) return bad_value("app", manifest.app);
  if (!is_file_name(manifest.exe)) return bad_value("exe", manifest.exe);
  if (!is_arch_word(manifest.arch)) return bad_value("arch", manifest.arch);
  if (line.has("interp") && !is_clean_path(manifest.interpreter))
    return bad_value("interp", manifest.interpreter);
  if (line.has("glibc") && !is_version_number(manifest.glibc))
    return bad_value("glibc", manifest.glibc);
  return {};
}

Wrong read_file(const Line& line, Manifest& manifest) {
  const auto kind = kind_from(line.text("kind"));
  const auto size = line.number("size");
  const auto mode = octal_from(line.text("mode"));
  if (!kind) return bad_value("kind", line.text("kind"));
  if (!is_file_name(line.text("name"))) return bad_value("name", line.text("name"));
  if (!is_sha256_hex(line.text("sha256"))) return bad_value("sha256", line.text("sha256"));
  if (!size || *size < 0) return bad_value("size", line.text("size"));
  if (!mode) return bad_value("mode", line.text("mode"));
  manifest.files.push_back(
      {*kind, std::string(line.text("name")), std::string(line.text("sha256")), *size, *mode});
  return {};
}

Wrong read_need(const Line& line, Manifest& manifest) {
  const std::string_view library = line.text("lib");
  if (!is_file_name(library) && !is_clean_path(library)) return bad_value("lib", library);
  if (line.has("version") && !is_version_word(line.text("version")))
    return bad_value("version", line.text("version"));
  manifest.needs.push_back({std::string(library), std::string(line.text("version"))});
  return {};
}

struct Row {
  std::string_view verb;
  Wrong (*read)(const Line&, Manifest&);
};
constexpr Row kRows[] = {{"FILE", &read_file}, {"NEED", &read_need}};

Wrong read_line(std::string_view text, std::size_t number, Manifest& manifest) {
  const auto line = parse_line(text);
  if (!line) return line.error().message;
  if (number == 1) return line->verb() == "MANIFEST" ? read_head(*line, manifest) : "no MANIFEST";
  for (const Row& row : kRows)
    if (row.verb == line->verb()) return row.read(*line, manifest);
  return "unknown word " + excerpt(line->verb());
}

// What no single line shows. REQUIRES sorted files.
Wrong wrong_as_a_whole(const Manifest& manifest) {
  const auto& files = manifest.files;
  const auto twice = std::adjacent_find(files.begin(), files.end(),
                                        [](const Manifest::File& a, const Manifest::File& b) {
                                          return a.kind == b.kind && a.name == b.name;
                                        });
  if (files.empty() || files[0].kind != FileKind::kExe) return "it has no executable";
  if (files.size() > 1 && files[1].kind == FileKind::kExe) return "it has two executables";
  if (files[0].name != manifest.exe) return "its executable is not the one in the first line";
  if (twice != files.end())
    return "it has two of kind " + std::string(word(twice->kind)) + " named '" +
           excerpt(twice->name) + "'";
  return {};
}

Error refuse(std::string_view what) {
  return fail(Code::kBadArg, "bad manifest: " + std::string(what));
}

Status read_lines(std::string_view text, Manifest& manifest) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return refuse("its last line has no end");
    const Wrong wrong = read_line(text.substr(0, end), number, manifest);
    if (!wrong.empty()) return refuse("line " + std::to_string(number) + ": " + wrong);
    if (manifest.files.size() > kMaxManifestFiles)
      return fail(Code::kTooLong, "a version has at most 4096 files");
    if (manifest.needs.size() > kMaxManifestNeeds)
      return fail(Code::kTooLong, "a version has at most 4096 needs");
    text.remove_prefix(end + 1);
  }
  return {};
}

template <typename T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

std::string_view word(FileKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." && name[0] != '-' &&
         name.find('/') == name.npos && std::none_of(name.begin(), name.end(), is_control);
}

bool is_arch_word(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
  });
}

std::string print_manifest(const Manifest& manifest) {
  Line head("MANIFEST");
  head.add("format", 1).add("app", manifest.app).add("exe", manifest.exe);
  head.add("arch", manifest.arch);
  if (!manifest.interpreter.empty()) head.add("interp", manifest.interpreter);
  if (!manifest.glibc.empty()) head.add("glibc", manifest.glibc);
  std::string text = head.print();
  for (const Manifest::File& file : sorted(manifest.files)) {
    Line line("FILE");
    line.add("kind", word(file.kind)).add("name", file.name).add("sha256", file.sha256);
    text += line.add("size", file.size).add("mode", octal(file.mode)).print();
  }
  auto needs = sorted(manifest.needs);
  needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  for (const Manifest::Need& need : needs) {
    Line line("NEED");
    line.add("lib", need.library);
    if (!need.version.empty()) line.add("version", need.version);
    text += line.print();
  }
  return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifest) return fail(Code::kTooLong, "a manifest has at most 1 MiB");
  Manifest manifest;
  if (auto read = read_lines(text, manifest); !read) return read.error();
  std::sort(manifest.files.begin(), manifest.files.end());
  const Wrong wrong = wrong_as_a_whole(manifest);
  if (!wrong.empty()) return refuse(wrong);
  // Another spelling of the same content would be the same version under a second name.
  if (print_manifest(manifest) != text) return refuse("not in its canonical form");
  return manifest;
}

}  // namespace dm
