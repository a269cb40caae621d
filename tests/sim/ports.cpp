#include "tests/sim/ports.hpp"

#include "connector/negotiation/agreement.hpp"

namespace sluis::sim {

using negotiation::Judgement;

Offers::Offers(Dice& dice, bool anything, std::size_t index) : anything_(anything) {
  constexpr Judgement::Kind kKinds[] = {Judgement::Kind::agree, Judgement::Kind::agree, Judgement::Kind::wait, Judgement::Kind::refuse};
  unknown_ = dice.one_in(2) ? Judgement::Kind::wait : Judgement::Kind::refuse;
  offered_ = kKinds[dice.below(4)];
  for (std::size_t i = 0; i < 2; ++i) {
    Published one;
    one.dataset = DatasetId("set-" + std::to_string(i));
    one.offer = json::object({{"@id", "offer-" + std::to_string(index) + std::to_string(i)},
                              {"@type", "Offer"},
                              {"permission", json::array({json::object({{"action", i == 0 ? "use" : "read"}})})}});
    one.terms = terms_of(one.offer);
    const auto normal = negotiation::normalise_offer(one.offer, one.dataset, ParticipantId("provider"), ParticipantId("consumer"));
    one.hash = normal->hash;
    one.answer = i == 0 ? Judgement::Kind::agree : kKinds[dice.below(4)];
    published_.push_back(std::move(one));
  }
}

Result<Judgement> Offers::judge_request(const ParticipantId&, const DatasetId& dataset, const json::Value&, const Hash& hash) {
  for (const Published& one : published_) {
    if (one.dataset == dataset && (anything_ || one.hash == hash)) {
      return Judgement{one.answer, one.hash, {"not-you", {"this is not for this party"}}};
    }
  }
  return Judgement{unknown_, hash, {"unknown-offer", {"this was never offered"}}};
}

Judgement Offers::judge_offer(const ParticipantId&, const DatasetId&, const json::Value&, const Hash& hash) {
  return {offered_, hash, {"not-wanted", {"nobody asked for this"}}};
}

std::string Offers::terms_of(json::Value policy) {
  for (const std::string_view key : {"@id", "@type", "@context", "target", "assigner", "assignee", "timestamp"}) policy.erase(key);
  const auto canonical = json::canonical(policy);
  return canonical ? *canonical : std::string();
}

json::Value Offers::altered(json::Value offer) {
  offer.set("permission", json::array({json::object({{"action", "sell"}})}));
  return offer;
}

}  // namespace sluis::sim
