#include "policy/odrl/alternatives.hpp"

#include "policy/odrl/program.hpp"

#include <algorithm>

namespace sluis::policy::alternatives {
namespace {

constexpr std::size_t kMostAlternatives = 64;
constexpr std::size_t kMostClasses = 6;
constexpr std::size_t kMostExclusive = 16;  ///< operands of an xone: each against each

void each_atom(const std::vector<Constraint>& list, const std::function<void(const Constraint&)>& visit) {
  for (const Constraint& one : list) {
    if (one.logic == Logic::atom) visit(one);
    else each_atom(one.operands, visit);
  }
}

void each_atom(const Policy& policy, const std::function<void(const Constraint&)>& visit) {
  for (const auto* rules : {&policy.permissions, &policy.prohibitions}) {
    for (const Rule& rule : *rules) {
      each_atom(rule.constraints, visit);
      each_atom(rule.refinements, visit);
    }
  }
}

/// Names that stand in the same lists of `isAnyOf` and `isNoneOf` and nowhere else are one class.
NameSpace classify(Operand operand, const std::vector<const Constraint*>& atoms) {
  NameSpace space;
  space.single = operand == Operand::recipient || operand == Operand::class_of_recipient;
  std::map<std::string, std::string> signature;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const bool list = atoms[i]->op == Operator::is_any_of || atoms[i]->op == Operator::is_none_of;
    for (const std::string& value : atoms[i]->values) {
      signature[value] += list ? std::to_string(i) + "," : "=" + value + ",";
    }
  }
  std::map<std::string, std::size_t> numbers;
  for (const auto& [value, text] : signature) {
    space.class_of[value] = numbers.emplace(text, numbers.size()).first->second;
  }
  space.classes = numbers.size();
  space.too_many = space.classes > (space.single ? Points().size() - 1 : kMostClasses);
  return space;
}

}  // namespace

Space::Space(const Policy& policy, const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
  std::map<Operand, std::vector<const Constraint*>> named;
  bool months = false, others = false;
  each_atom(policy, [&](const Constraint& atom) {
    if (kind(atom.operand) == Kind::names) named[atom.operand].push_back(&atom);
    if (kind(atom.operand) != Kind::elapsed) return;
    months = months || atom.months != 0;
    others = others || atom.duration.count() != 0;
  });
  months_only_ = months && !others;
  months_mixed_ = months && others;
  for (const auto& [operand, atoms] : named) names_[operand] = classify(operand, atoms);
}

Points Space::all_points(const NameSpace& names) const {
  const std::size_t count = names.single ? names.classes + 1 : std::size_t{1} << (names.classes + 1);
  Points every;
  for (std::size_t i = 0; i < count; ++i) every.set(i);
  return every;
}

/// The sets of names for which an atom holds. A point of a single operand is its class, of another a set of classes.
Points Space::points(const Constraint& constraint) const {
  const NameSpace& names = names_.at(constraint.operand);
  std::size_t wanted = 0;  // of an operand that may have several names
  for (const std::string& value : constraint.values) {
    if (!names.single) wanted |= std::size_t{1} << names.class_of.at(value);
  }
  Points held;
  const Points every = all_points(names);
  for (std::size_t point = 0; point < every.size() && every.test(point); ++point) {
    const bool in_list = std::any_of(constraint.values.begin(), constraint.values.end(), [&](const std::string& value) {
      const std::size_t number = names.class_of.at(value);
      return names.single ? point == number : ((point >> number) & 1U) != 0;
    });
    bool yes = in_list;
    switch (constraint.op) {
      case Operator::eq: yes = names.single ? in_list : point == wanted; break;
      case Operator::neq: yes = names.single ? !in_list : point != wanted; break;
      case Operator::is_none_of: yes = !in_list; break;
      case Operator::is_all_of:
        yes = names.single ? in_list && constraint.values.size() == 1 : (point & wanted) == wanted;
        break;
      default: break;
    }
    if (yes) held.set(point);
  }
  return held;
}

std::optional<Domain> Space::atom(const Constraint& constraint, Mode mode) const {
  switch (kind(constraint.operand)) {
    case Kind::purpose: {
      const auto set = purpose_set(constraint, mode.prohibition, vocabulary_);
      const PurposeSet known = set ? *set : PurposeSet();
      return Domain(mode.negated ? vocabulary_.all_but(known) : known);
    }
    case Kind::names: {
      const NameSpace& names = names_.at(constraint.operand);
      if (names.too_many) return std::nullopt;
      // Only of several names at once could all be there.
      if (names.single && constraint.op == Operator::is_all_of && constraint.values.size() > 1) return std::nullopt;
      const Points held = points(constraint);
      return Domain(mode.negated ? all_points(names) & ~held : held);
    }
    case Kind::instant: {
      const Intervals held = instants(constraint);
      return Domain(mode.negated ? complement(held) : held);
    }
    case Kind::elapsed: {
      if (months_mixed_) return std::nullopt;
      // Between two numbers of months there is time: each month is a point with a stretch after it.
      const std::int64_t at = months_only_ ? 2 * constraint.months : constraint.duration.count();
      const Intervals held = admitted(constraint.op, at, at + 1);
      return Domain(mode.negated ? complement(held) : held);
    }
    case Kind::metered:
    case Kind::count: {
      const std::int64_t at = kind(constraint.operand) == Kind::count ? constraint.number : constraint.duration.count();
      const Intervals least{{kind(constraint.operand) == Kind::count ? 1 : 0, kMost}};  // this use counts
      Intervals held = admitted(constraint.op, at, at + 1);
      if (mode.negated) held = complement(held);
      return Domain(common(held, least));
    }
    case Kind::decimal: {
      const Intervals held = admitted(constraint.op, constraint.number, constraint.number + 1);
      return Domain(Amount{constraint.unit, mode.negated ? complement(held) : held});
    }
    case Kind::delay:
    case Kind::transform: break;
  }
  return std::nullopt;
}

std::optional<Domain> Space::meet(const Domain& first, const Domain& second) const {
  if (const auto* one = std::get_if<PurposeSet>(&first)) {
    PurposeSet both = *one;
    both &= std::get<PurposeSet>(second);
    return both.none() ? std::nullopt : std::optional<Domain>(both);
  }
  if (const auto* one = std::get_if<Intervals>(&first)) {
    Intervals both = common(*one, std::get<Intervals>(second));
    return both.empty() ? std::nullopt : std::optional<Domain>(std::move(both));
  }
  if (const auto* one = std::get_if<Points>(&first)) {
    const Points both = *one & std::get<Points>(second);
    return both.none() ? std::nullopt : std::optional<Domain>(both);
  }
  const auto& one = std::get<Amount>(first);
  const auto& two = std::get<Amount>(second);
  Intervals both = common(one.values, two.values);
  if (one.unit != two.unit || both.empty()) return std::nullopt;
  return Domain(Amount{one.unit, std::move(both)});
}

std::optional<Alternatives> Space::product(const Alternatives& first, const Alternatives& second) const {
  Alternatives both;
  for (const Alternative& one : first) {
    for (const Alternative& two : second) {
      Alternative joined = one;
      bool possible = true;
      for (const auto& [operand, domain] : two) {
        const auto [found, is_new] = joined.emplace(operand, domain);
        if (is_new) continue;
        auto met = meet(found->second, domain);
        possible = met.has_value();
        if (!possible) break;
        found->second = std::move(*met);
      }
      if (!possible || std::find(both.begin(), both.end(), joined) != both.end()) continue;
      if (both.size() == kMostAlternatives) return std::nullopt;
      both.push_back(std::move(joined));
    }
  }
  return both;
}

std::optional<Alternatives> Space::all(const std::vector<Constraint>& list, Mode mode) const {
  Alternatives sofar{Alternative{}};
  for (const Constraint& one : list) {
    const auto more = expand(one, mode);
    if (!more) return std::nullopt;
    auto next = product(sofar, *more);
    if (!next) return std::nullopt;
    sofar = std::move(*next);
  }
  return sofar;
}

/// Alternatives that differ in one operand only are one; so that many windows stay few alternatives.
void add(Alternatives& list, const Alternative& one) {
  for (Alternative& other : list) {
    if (other == one) return;
    if (other.size() != 1 || one.size() != 1 || other.begin()->first != one.begin()->first) continue;
    Domain& domain = other.begin()->second;
    const Domain& more = one.begin()->second;
    if (auto* intervals = std::get_if<Intervals>(&domain)) {
      intervals->insert(intervals->end(), std::get<Intervals>(more).begin(), std::get<Intervals>(more).end());
      *intervals = tidy(std::move(*intervals));
      return;
    }
    if (auto* set = std::get_if<PurposeSet>(&domain)) {
      *set |= std::get<PurposeSet>(more);
      return;
    }
    if (auto* points = std::get_if<Points>(&domain)) {
      *points |= std::get<Points>(more);
      return;
    }
  }
  list.push_back(one);
}

std::optional<Alternatives> Space::any(const std::vector<Constraint>& list, Mode mode) const {
  Alternatives every;
  for (const Constraint& one : list) {
    const auto more = expand(one, mode);
    if (!more) return std::nullopt;
    for (const Alternative& alternative : *more) add(every, alternative);
    if (every.size() > kMostAlternatives) return std::nullopt;
  }
  return every;
}

/// `xone`: one operand holds and no other. Its negation: none holds, or two do.
std::optional<Alternatives> Space::expand_one(const Constraint& constraint, Mode mode) const {
  const auto& list = constraint.operands;
  if (list.size() > kMostExclusive) return std::nullopt;
  Alternatives every;
  const auto take = [&](const std::optional<Alternatives>& more) {
    if (!more) return false;
    for (const Alternative& one : *more) add(every, one);
    return every.size() <= kMostAlternatives;
  };
  const Mode yes{mode.prohibition, false}, no{mode.prohibition, true};
  if (mode.negated) {
    if (!take(all(list, no))) return std::nullopt;
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (std::size_t j = i + 1; j < list.size(); ++j) {
        if (!take(all({list[i], list[j]}, yes))) return std::nullopt;
      }
    }
    return every;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto sofar = expand(list[i], yes);
    for (std::size_t j = 0; j < list.size() && sofar; ++j) {
      if (j == i) continue;
      const auto not_other = expand(list[j], no);
      sofar = not_other ? product(*sofar, *not_other) : std::nullopt;
    }
    if (!take(sofar)) return std::nullopt;
  }
  return every;
}

std::optional<Alternatives> Space::expand(const Constraint& constraint, Mode mode) const {
  switch (constraint.logic) {
    case Logic::atom: {
      const auto domain = atom(constraint, mode);
      if (!domain) return std::nullopt;
      // Meeting itself tells whether it is empty.
      const auto some = meet(*domain, *domain);
      if (!some) return Alternatives{};
      return Alternatives{Alternative{{constraint.operand, *some}}};
    }
    case Logic::all:
    case Logic::sequence: return mode.negated ? any(constraint.operands, mode) : all(constraint.operands, mode);
    case Logic::any: return mode.negated ? all(constraint.operands, mode) : any(constraint.operands, mode);
    case Logic::one: return expand_one(constraint, mode);
  }
  return std::nullopt;
}

std::optional<Alternatives> Space::of(const Rule& rule, bool prohibition) const {
  std::vector<Constraint> conditions = rule.constraints;
  conditions.insert(conditions.end(), rule.refinements.begin(), rule.refinements.end());
  return all(conditions, Mode{prohibition, false});
}

bool Space::meet(const Alternative& first, const Alternative& second) const {
  return std::all_of(second.begin(), second.end(), [&](const auto& entry) {
    const auto found = first.find(entry.first);
    return found == first.end() || meet(found->second, entry.second).has_value();
  });
}

bool Space::within(const Alternative& inner, const Alternative& outer) const {
  return std::all_of(outer.begin(), outer.end(), [&](const auto& entry) {
    const auto found = inner.find(entry.first);
    if (found == inner.end()) return false;
    const auto both = meet(found->second, entry.second);
    return both && *both == found->second;
  });
}

std::string Space::example(const Alternative& first, const Alternative& second) const {
  PurposeSet both = vocabulary_.all_but({});
  for (const Alternative* one : {&first, &second}) {
    if (const auto found = one->find(Operand::purpose); found != one->end())
      both &= std::get<PurposeSet>(found->second);
  }
  const bool bound = first.contains(Operand::purpose) || second.contains(Operand::purpose);
  return !bound || both.none() ? std::string() : vocabulary_.term(both.first()).iri;
}

}  // namespace sluis::policy::alternatives
