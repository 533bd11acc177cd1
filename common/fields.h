// common/fields.h - the fields of a struct that travels, written once: a table of rows that prints
// them to a line and parses them from one. Pure.
//
//   constexpr Field<RunEnd> kRunEndFields[] = {{"run", &RunEnd::run}, {"pid", &RunEnd::pid}, ...};
//   print_fields(line, end, kRunEndFields);
//   parse_fields(line, end, kRunEndFields);
//
// What is absent, unreadable or out of range when parsed gets the member's empty value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/codec.h"

namespace dm {

// A number that another program gave: from 0 to 10^15; nullopt if it is anything else, so that no
// sum with it can overflow.
std::optional<std::int64_t> figure(const Line& line, std::string_view key);
// A decimal that another program gave: from 0 to 10^9; nullopt if it is anything else.
std::optional<double> decimal(const Line& line, std::string_view key);

enum class WhenEmpty {
  kOmit,   // the field is not printed
  kPrint,  // it is
};

template <typename T>
struct Field {
  // A value of a type of its own: printed as a word, parsed from one.
  struct Word {
    std::string_view (*print)(const T&);
    void (*parse)(T&, std::string_view);
  };
  using Member = std::variant<std::string T::*, std::int64_t T::*, bool T::*,
                              std::optional<std::int64_t> T::*, std::optional<double> T::*,
                              std::optional<std::string> T::*, std::vector<std::string> T::*, Word>;

  std::string_view key;
  Member member;
  WhenEmpty when_empty = WhenEmpty::kOmit;
  std::size_t most = SIZE_MAX;  // bytes of a text, entries of a list; more is cut when it is parsed
};

namespace fields_detail {

template <typename T>
struct Printer {
  Line& line;
  const T& object;
  const Field<T>& field;
  bool prints_empty() const { return field.when_empty == WhenEmpty::kPrint; }

  void operator()(std::string T::*member) const {
    if (prints_empty() || !(object.*member).empty()) line.add(field.key, object.*member);
  }
  void operator()(std::int64_t T::*member) const {
    if (prints_empty() || object.*member != 0) line.add(field.key, object.*member);
  }
  void operator()(bool T::*member) const {
    if (prints_empty() || object.*member) line.add(field.key, object.*member ? 1 : 0);
  }
  template <typename Value>
  void operator()(std::optional<Value> T::*member) const {
    if constexpr (!std::is_same_v<Value, double>)
      if (object.*member) line.add(field.key, *(object.*member));
  }
  void operator()(std::vector<std::string> T::*member) const {
    for (const std::string& value : object.*member) line.add(field.key, value);
  }
  void operator()(const typename Field<T>::Word& word) const {
    line.add(field.key, word.print(object));
  }
};

template <typename T>
struct Parser {
  const Line& line;
  T& object;
  const Field<T>& field;

  void operator()(std::string T::*member) const {
    object.*member = line.text(field.key).substr(0, field.most);
  }
  void operator()(std::int64_t T::*member) const {
    object.*member = figure(line, field.key).value_or(0);
  }
  void operator()(bool T::*member) const { object.*member = line.number_or(field.key, 0) != 0; }
  void operator()(std::optional<std::int64_t> T::*member) const {
    object.*member = figure(line, field.key);
  }
  void operator()(std::optional<double> T::*member) const {
    object.*member = decimal(line, field.key);
  }
  void operator()(std::optional<std::string> T::*member) const {
    const auto value = line.get(field.key);
    object.*member =
        value ? std::optional<std::string>(value->substr(0, field.most)) : std::nullopt;
  }
  void operator()(std::vector<std::string> T::*member) const {
    object.*member = line.all(field.key);
    if ((object.*member).size() > field.most) (object.*member).resize(field.most);
  }
  void operator()(const typename Field<T>::Word& word) const {
    word.parse(object, line.text(field.key));
  }
};

}  // namespace fields_detail

template <typename T>
void print_fields(Line& line, const T& object, std::span<const Field<T>> fields) {
  for (const Field<T>& field : fields)
    std::visit(fields_detail::Printer<T>{line, object, field}, field.member);
}

template <typename T>
void parse_fields(const Line& line, T& object, std::span<const Field<T>> fields) {
  for (const Field<T>& field : fields)
    std::visit(fields_detail::Parser<T>{line, object, field}, field.member);
}

}  // namespace dm
