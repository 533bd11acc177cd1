#include "common/admission.h"

#include <algorithm>

namespace dm {

void GuestBook::add(GuestId guest, const std::string& address) {
  address_of_[guest] = address;
  guests_of_[address].insert(guest);
}

void GuestBook::remove(GuestId guest) {
  const auto node = address_of_.extract(guest);
  if (node.empty()) return;
  const auto group = guests_of_.find(node.mapped());
  group->second.erase(guest);
  if (group->second.empty()) guests_of_.erase(group);
}

std::size_t GuestBook::count(const std::string& address) const {
  const auto group = guests_of_.find(address);
  return group == guests_of_.end() ? 0 : group->second.size();
}

GuestId GuestBook::oldest_of_busiest() const {
  const auto less_busy = [](const auto& a, const auto& b) {
    if (a.second.size() != b.second.size()) return a.second.size() < b.second.size();
    return *a.second.begin() > *b.second.begin();
  };
  return *std::max_element(guests_of_.begin(), guests_of_.end(), less_busy)->second.begin();
}

std::optional<GuestId> Admission::enter(GuestId guest, const std::string& address) {
  guests_.add(guest, address);
  if (guests_.size() <= places_) return std::nullopt;
  const GuestId out = guests_.oldest_of_busiest();
  guests_.remove(out);
  return out;
}

// No address holds a slash.
std::string counted_as(const std::string& address, const std::string& proved_name) {
  return proved_name.empty() ? address : "name/" + proved_name;
}

bool Quota::enter(GuestId guest, const std::string& address) {
  if (guests_.size() >= in_all_ || guests_.count(address) >= per_address_) return false;
  guests_.add(guest, address);
  return true;
}

}  // namespace dm
