#include "master/io/tail_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/io/beneath.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/names.h"

namespace dm::master {
namespace {

constexpr const char* kPlace = "tails";
constexpr const char* kTemporary = ".new";  // behind a name; one writes at a time
constexpr std::size_t kMostHead = 4096;

bool is_name(const std::string& name) {
  const auto parsed = parse_instance_name(name);
  return parsed && is_app_name(parsed->app);
}

Result<Fd> open_place(const std::string& state) {
  Fd directory(::open(state.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return system_error("open", state);
  return make_directory_beneath(directory.get(), kPlace, 0700);
}

}  // namespace

Result<std::int64_t> TailFiles::save(const Tail& tail) const {
  if (!is_name(tail.instance)) return fail(Code::kBadArg, "no name of an instance");
  const auto place = open_place(state_);
  if (!place) return place.error();
  const std::string temporary = tail.instance + kTemporary, text = print_tail(tail);
  auto file = own_file_beneath(place->get(), temporary, O_WRONLY | O_TRUNC, 0600);
  if (!file) return file.error();
  // Not synced: a tail that a power failure has cut is told by its size, and counts as none.
  auto written = write_all(file->get(), text);
  if (written &&
      ::renameat(place->get(), temporary.c_str(), place->get(), tail.instance.c_str()) != 0)
    written = system_error("rename", temporary);
  if (written) return static_cast<std::int64_t>(text.size());
  ::unlinkat(place->get(), temporary.c_str(), 0);
  return written.error();
}

std::optional<Tail> TailFiles::read(const std::string& instance) const {
  const auto place = open_place(state_);
  if (!place || !is_name(instance)) return std::nullopt;
  const auto file = open_file_beneath(place->get(), instance, O_RDONLY);
  if (!file) return std::nullopt;
  const auto text = read_whole(file->get(), instance, Tail::kMostBytes + kMostHead);
  const auto tail = text ? parse_tail(*text) : std::nullopt;
  return tail && tail->instance == instance ? tail : std::nullopt;
}

void TailFiles::remove(const std::vector<std::string>& instances) const {
  const auto place = open_place(state_);
  if (!place) return;
  for (const std::string& name : instances)
    if (is_name(name)) ::unlinkat(place->get(), name.c_str(), 0);
}

std::vector<TailFiles::Found> TailFiles::list() const {
  std::vector<Found> found;
  const auto place = open_place(state_);
  if (!place) return found;
  for (const std::string& name : names_in(place->get())) {
    const auto tail = read(name);
    if (tail)
      found.push_back(
          {name, tail->part ? 0 : tail->run, static_cast<std::int64_t>(print_tail(*tail).size())});
    else
      ::unlinkat(place->get(), name.c_str(), 0);
  }
  return found;
}

}  // namespace dm::master
