#include "common/admission.h"

#include <algorithm>
#include <iterator>

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

GuestId GuestBook::one_of_busiest(std::uint64_t number) const {
  std::size_t most = 0, busy = 0;
  for (const auto& [address, guests] : guests_of_) {
    if (guests.size() > most) busy = 0;
    most = std::max(most, guests.size());
    if (guests.size() == most) ++busy;
  }
  std::size_t left = static_cast<std::size_t>(number % (busy * most));
  for (const auto& [address, guests] : guests_of_) {
    if (guests.size() < most) continue;
    if (left < most) return *std::next(guests.begin(), static_cast<std::ptrdiff_t>(left));
    left -= most;
  }
  return address_of_.begin()->first;  // never: there are so many
}

std::optional<GuestId> Admission::enter(GuestId guest, const std::string& address,
                                        std::uint64_t random) {
  GuestBook& book = proved_.contains(address) ? known_ : strangers_;
  book.add(guest, address);
  if (book.size() <= places_) return std::nullopt;
  const GuestId out = book.one_of_busiest(random);
  book.remove(out);
  return out;
}

void Admission::leave(GuestId guest) {
  strangers_.remove(guest);
  known_.remove(guest);
}

void Admission::proved(const std::string& address) {
  const auto before = proved_.find(address);
  if (before != proved_.end()) proved_at_.erase(before->second);
  proved_[address] = next_proof_;
  proved_at_[next_proof_++] = address;
  if (proved_.size() <= kRemembered) return;
  proved_.erase(proved_at_.begin()->second);
  proved_at_.erase(proved_at_.begin());
}

bool Quota::enter(GuestId guest, const std::string& address) {
  if (guests_.size() >= in_all_ || guests_.count(address) >= per_address_) return false;
  guests_.add(guest, address);
  return true;
}

}  // namespace dm
