#include "common/result.h"

namespace dm {
namespace {

struct Row {
  Code code;
  std::string_view word;
};
constexpr Row kWords[] = {
    {Code::kBadLine, "bad-line"},
    {Code::kTooLong, "too-long"},
    {Code::kUnknownVerb, "unknown-verb"},
    {Code::kBadArg, "bad-arg"},
    {Code::kDenied, "denied"},
    {Code::kNotFound, "not-found"},
    {Code::kExists, "exists"},
    {Code::kBusy, "busy"},
    {Code::kNoSpace, "no-space"},
    {Code::kExecFailed, "exec-failed"},
    {Code::kHashMismatch, "hash-mismatch"},
    {Code::kTimeout, "timeout"},
    {Code::kLost, "lost"},
    {Code::kInternal, "internal"},
};

}  // namespace

std::string_view word(Code code) {
  for (const Row& row : kWords)
    if (row.code == code) return row.word;
  return "internal";
}

Code code_from(std::string_view word) {
  for (const Row& row : kWords)
    if (row.word == word) return row.code;
  return Code::kInternal;
}

}  // namespace dm
