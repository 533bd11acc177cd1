// common/result.h - a value or the reason why there is none. Never throws.
//
// Member names are std::expected's, so that the type can be replaced by it one day.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/check.h"

namespace dm {

// The stable words of the protocol's `code=`; a program may rely on them for ever.
enum class Code {
  kBadLine,
  kTooLong,
  kUnknownVerb,
  kBadArg,
  kDenied,
  kNotFound,
  kExists,
  kBusy,
  kNoSpace,
  kExecFailed,
  kHashMismatch,
  kTimeout,
  kLost,
  kInternal,
};

// The word of a code, as it stands on the wire: "bad-arg".
std::string_view word(Code code);
// The code of a word; kInternal for a word that is none.
Code code_from(std::string_view word);

// What went wrong: a stable code for programs, a sentence for people (no full stop at its end).
struct Error {
  Code code = Code::kInternal;
  std::string message;
};

// Shorthand at a return statement: `return fail(Code::kNotFound, "no app named x");`
inline Error fail(Code code, std::string message) {
  return Error{code, std::move(message)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  // REQUIRES has_value().
  T& value() {
    DM_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    DM_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // REQUIRES !has_value().
  Error& error() {
    DM_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const {
    DM_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// The outcome of something that yields nothing but success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  Error& error() { return *error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace dm
