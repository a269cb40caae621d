#include "policy/odrl/enforcement.hpp"

namespace sluis::policy {
namespace {

class Classifier {
 public:
  explicit Classifier(const Supplied& supplied) : supplied_(supplied) {}

  void rule(const Rule& rule, bool prohibition) {
    if (!included(Action::use, rule.action)) return promise(rule);
    add(rule.pointer, Keeper::enforced, "part.enforced");
    for (const auto* list : {&rule.constraints, &rule.refinements}) {
      for (const Constraint& one : *list) condition(one, prohibition);
    }
    for (const Rule& duty : rule.duties) {
      if (!supplied_.duties) {
        add(duty.pointer, Keeper::refused, "part.duty_unseen", std::string(to_string(duty.action)));
      } else {
        add(duty.pointer, Keeper::enforced, "part.enforced");
      }
    }
    // A remedy opens nothing: it is what the other party owes.
    for (const Rule& remedy : rule.remedies) promise(remedy);
  }

  void obligation(const Rule& rule) {
    if (is_transform(rule.action)) {
      const bool done = supplied_.transforms.contains(rule.action);
      add(rule.pointer, done ? Keeper::enforced : Keeper::refused, done ? "part.done" : "part.undoable",
          std::string(to_string(rule.action)));
      return;
    }
    promise(rule);
  }

  std::vector<PolicyPart> take() { return std::move(parts_); }

 private:
  void add(const std::string& pointer, Keeper keeper, std::string_view code, std::string what = {}) {
    parts_.push_back({pointer, keeper, code, std::move(what)});
  }

  void promise(const Rule& rule) {
    const bool watched = supplied_.watched.contains(rule.action);
    add(rule.pointer, Keeper::promised, watched ? "part.promised_checked" : "part.promised");
    for (const Rule& consequence : rule.consequences) promise(consequence);
    for (const Rule& remedy : rule.remedies) promise(remedy);
    for (const Rule& duty : rule.duties) promise(duty);
  }

  void condition(const Constraint& constraint, bool prohibition) {
    if (constraint.logic != Logic::atom) {
      for (const Constraint& one : constraint.operands) condition(one, prohibition);
      return;
    }
    if (supplied_.operands.contains(constraint.operand)) {
      return add(constraint.pointer, Keeper::enforced, "part.enforced");
    }
    add(constraint.pointer, Keeper::refused, prohibition ? "part.unknowable_prohibition" : "part.unknowable",
        std::string(to_string(constraint.operand)));
  }

  const Supplied& supplied_;
  std::vector<PolicyPart> parts_;
};

}  // namespace

Supplied Supplied::by_this_node() {
  return {{Operand::purpose, Operand::recipient, Operand::class_of_recipient, Operand::date_time,
           Operand::elapsed_time, Operand::count, Operand::processing_activity, Operand::evidence,
           Operand::situation, Operand::assessment, Operand::legal_basis, Operand::impact_assessment},
          {Action::suppress_small_cells, Action::generalise_time, Action::generalise_place, Action::pseudonymise,
           Action::aggregate_by, Action::mask_column},
          {Action::delete_after},
          false};
}

std::string_view to_string(Keeper keeper) {
  switch (keeper) {
    case Keeper::enforced: return "enforced";
    case Keeper::promised: return "promised";
    case Keeper::refused: break;
  }
  return "refused";
}

std::vector<PolicyPart> enforcement(const Policy& policy, const Supplied& supplied) {
  Classifier classifier(supplied);
  for (const Rule& rule : policy.permissions) classifier.rule(rule, false);
  for (const Rule& rule : policy.prohibitions) classifier.rule(rule, true);
  for (const Rule& rule : policy.obligations) classifier.obligation(rule);
  return classifier.take();
}

std::string tell(const PolicyPart& part, Language language) {
  return fill(sentence(part.code, language), {{"what", part.what}}, language);
}

std::string refusal(const PolicyPart& part) {
  std::string text = tell(part, Language::english);
  if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') text.front() = static_cast<char>(text.front() + 32);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace sluis::policy
