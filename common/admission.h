// common/admission.h - who may wait for a proof, and how many may stay once it is given.
// Pure: counts guests by where they come from, never touches a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace dm {

using GuestId = std::uint64_t;  // grows with every guest: a smaller one came earlier

// Guests by address. A guest is here at most once.
class GuestBook {
 public:
  void add(GuestId guest, const std::string& address);
  void remove(GuestId guest);  // one that is not here is no error

  std::size_t size() const { return address_of_.size(); }
  std::size_t count(const std::string& address) const;
  // One of the guests of the address that has most, or of those addresses: the number says which.
  // REQUIRES size() > 0.
  GuestId one_of_busiest(std::uint64_t number) const;

 private:
  std::map<GuestId, std::string> address_of_;
  std::map<std::string, std::set<GuestId>> guests_of_;
};

// Connections that have not proved anything yet. A crowd from one address pushes out its own: who
// comes alone from elsewhere keeps his place. A crowd from everywhere pushes out by lot, so that
// however many come, some who need a moment for their proof have it; and addresses from where a
// key was proved lately have as many places of their own.
class Admission {
 public:
  static constexpr std::size_t kRemembered = 16384;  // addresses

  explicit Admission(std::size_t places) : places_(places) {}

  // The guest has a place from now on. Returns who lost his for it, if there was none left: by the
  // random number, perhaps the guest himself.
  [[nodiscard]] std::optional<GuestId> enter(GuestId guest, const std::string& address,
                                             std::uint64_t random);
  void leave(GuestId guest);
  // A key was proved from there.
  void proved(const std::string& address);
  std::size_t size() const { return strangers_.size() + known_.size(); }

 private:
  std::size_t places_;  // for each of the two
  GuestBook strangers_, known_;
  std::map<std::string, std::uint64_t> proved_;     // address: when, as a count
  std::map<std::uint64_t, std::string> proved_at_;  // the same, oldest first
  std::uint64_t next_proof_ = 1;
};

// Connections that stay: nobody is sent away for a newcomer, who is refused instead.
class Quota {
 public:
  Quota(std::size_t per_address, std::size_t in_all) : per_address_(per_address), in_all_(in_all) {}

  // False, and nothing changes, if the address or all of them have enough.
  [[nodiscard]] bool enter(GuestId guest, const std::string& address);
  void leave(GuestId guest) { guests_.remove(guest); }

 private:
  std::size_t per_address_, in_all_;
  GuestBook guests_;
};

}  // namespace dm
