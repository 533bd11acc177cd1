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
  // The oldest guest of the address that has most; of two such, the one whose oldest is older.
  // REQUIRES size() > 0.
  GuestId oldest_of_busiest() const;

 private:
  std::map<GuestId, std::string> address_of_;
  std::map<std::string, std::set<GuestId>> guests_of_;
};

// Connections that have not proved anything yet. A crowd from one address pushes out its own: who
// comes alone from elsewhere keeps his place.
class Admission {
 public:
  explicit Admission(std::size_t places) : places_(places) {}

  // The guest has a place from now on. Returns who lost his for it, if there was none left.
  [[nodiscard]] std::optional<GuestId> enter(GuestId guest, const std::string& address);
  void leave(GuestId guest) { guests_.remove(guest); }
  std::size_t size() const { return guests_.size(); }

 private:
  std::size_t places_;
  GuestBook guests_;
};

// What a connection that stays counts for: the name, once a key has proved it, for behind one
// address (NAT, ssh -L) there may be thousands of workers; else the address. An empty name proves
// nothing.
std::string counted_as(const std::string& address, const std::string& proved_name);

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
