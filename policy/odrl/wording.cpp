#include "policy/odrl/wording.hpp"

#include "policy/odrl/values.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sluis::policy {
namespace {

bool dutch(const Teller& teller) { return teller.language == Language::dutch; }

std::string capital(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 32);
  return text;
}

/// "A", "A and B", "A, B and C".
std::string joined(const std::vector<std::string>& items, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 == items.size() ? fmt::format(" {} ", last) : ", ";
    out += items[i];
  }
  return out;
}

std::string named(const std::string& id, const Teller& teller) {
  std::string name = teller.name ? teller.name(id) : std::string();
  return name.empty() ? id : name;
}

std::string one_value(const Constraint& constraint, const std::string& value, const Teller& teller) {
  switch (constraint.operand) {
    case Operand::purpose: return tell_purpose(value, teller);
    case Operand::recipient: return named(value, teller);
    case Operand::class_of_recipient: return tell_class(value, teller.language);
    case Operand::evidence:
      if (value == kTwoSided) return teller.language == Language::dutch ? "tweezijdig: het logboek van de ander bewijst het ook" : "two-sided: the other party's log proves it too";
      return "`" + value + "`";
    case Operand::impact_assessment:
      if (value == kOnRecord) return teller.language == Language::dutch ? "vastgelegd in het register van de ander" : "on record in the other party's register";
      return "`" + value + "`";
    default: return "`" + value + "`";
  }
}

std::string values(const Constraint& constraint, const Teller& teller, Both last) {
  std::vector<std::string> told;
  for (const std::string& value : constraint.values) told.push_back(one_value(constraint, value, teller));
  return joined(told, last.in(teller.language));
}

/// A purpose is not compared alone: what is above or below it counts too (SEMANTICS.md, one constraint).
std::string tell_purposes(const Constraint& constraint, bool prohibition, const Teller& teller) {
  const Both either{"or", "of"};
  const std::string list = values(constraint, teller, either);
  const auto with = [&](Both text) { return fmt::format(fmt::runtime(text.in(teller.language)), list); };
  switch (constraint.op) {
    case Operator::neq:
    case Operator::is_none_of:
      return prohibition ? with({"The purpose is not {}.", "Het doel is niet {}."})
                         : with({"The purpose is not {}, and nothing above or below it.",
                                 "Het doel is niet {}, en ook niets wat daarboven of daaronder valt."});
    case Operator::has_part:
      return with({"The purpose is {}, or a purpose above it.", "Het doel is {}, of een doel dat daarboven staat."});
    case Operator::is_a:
    case Operator::is_part_of:
      if (!prohibition) {
        return with({"The purpose is {}, or a purpose below it.",
                     "Het doel is {}, of een doel dat daaronder valt."});
      }
      break;
    case Operator::is_all_of:
      if (constraint.values.size() > 1) {
        return with({"The purpose is {} at the same time. This is never so.",
                     "Het doel is tegelijk {}. Dat komt nooit voor."});
      }
      break;
    default: break;
  }
  return prohibition ? with({"The purpose is {}, or a purpose above or below it.",
                             "Het doel is {}, of een doel dat daarboven of daaronder valt."})
                     : with({"The purpose is {}.", "Het doel is {}."});
}

std::string tell_instant(const Constraint& constraint, const Teller& teller) {
  const bool day = constraint.until.has_value();
  std::string when = tell_time(constraint.time, teller.language);
  const auto with = [&](Both text) { return fmt::format(fmt::runtime(text.in(teller.language)), when); };
  switch (constraint.op) {
    case Operator::lt: return with({"It is before {}.", "Het is voor {}."});
    case Operator::lteq:
      return day ? with({"It is {} or earlier.", "Het is {} of eerder."})
                 : with({"It is not later than {}.", "Het is niet later dan {}."});
    case Operator::gt: return with({"It is after {}.", "Het is na {}."});
    case Operator::gteq: return with({"It is {} or later.", "Het is {} of later."});
    case Operator::neq: return with({"It is not {}.", "Het is niet {}."});
    default: return with({"It is {}.", "Het is {}."});
  }
}

std::string tell_span(const Constraint& constraint, const Teller& teller) {
  const std::string period = tell_period(constraint.months, constraint.duration, teller.language);
  if (constraint.operand == Operand::delay_period) {
    return fmt::format(fmt::runtime(Both{"Within {} after the data were sent.",
                                         "Binnen {} nadat de gegevens zijn gestuurd."}
                                        .in(teller.language)),
                       period);
  }
  const std::string_view subject = wording::of(constraint.operand).in(teller.language);
  return capital(fmt::format("{} {} {}.", subject, wording::of(constraint.op).in(teller.language), period));
}

std::string tell_number(const Constraint& constraint, const Teller& teller) {
  std::string number = constraint.operand == Operand::count || constraint.operand == Operand::min_cell_size
                           ? std::to_string(constraint.number)
                           : format_decimal(constraint.number);
  if (dutch(teller)) std::replace(number.begin(), number.end(), '.', ',');
  if (constraint.operand == Operand::percentage) number += "%";
  if (!constraint.unit.empty()) number += " `" + constraint.unit + "`";
  return capital(fmt::format("{} {} {}.", wording::of(constraint.operand).in(teller.language),
                             wording::of(constraint.op).in(teller.language), number));
}

std::string tell_names(const Constraint& constraint, const Teller& teller) {
  const bool all = constraint.op == Operator::is_all_of || constraint.op == Operator::eq;
  const std::string list = values(constraint, teller, all ? Both{"and", "en"} : Both{"or", "of"});
  const bool one = constraint.values.size() == 1;
  // A list of one needs no word for a list.
  Operator op = constraint.op;
  if (one && op == Operator::is_any_of) op = Operator::eq;
  if (one && op == Operator::is_none_of) op = Operator::neq;
  return capital(fmt::format("{} {} {}.", wording::of(constraint.operand).in(teller.language),
                             wording::of(op).in(teller.language), list));
}

Both transform_words(Operand operand) {
  switch (operand) {
    case Operand::min_cell_size: return {"Numbers below {} are left out.", "Getallen onder {} zijn niet te zien."};
    case Operand::cell_group:
      return {"A left-out number cannot be worked out from {}.", "Een weggelaten getal is niet uit te rekenen met {}."};
    case Operand::round_to:
      return {"Numbers are rounded to {}, and small ones add nothing to a sum. Where rows or persons are counted, this is an estimate: three in four are drawn by lot.",
              "Getallen zijn afgerond op {}, en kleine tellen niet mee in een som. Zijn rijen of personen geteld, dan is dat een schatting. Het lot wijst er drie van de vier aan."};
    case Operand::time_step:
      return {"A time becomes the start of its period of {}.", "Een tijd wordt het begin van zijn periode van {}."};
    case Operand::time_zone: return {"This follows the clock of {}.", "Dit volgt de klok van {}."};
    case Operand::pseudonym_epoch: return {"Under the name {} a value always has the same code.", "Onder de naam {} krijgt een waarde altijd dezelfde code."};
    case Operand::kept_characters:
      return {"At most the first {} characters can be seen.", "Hoogstens de eerste {} tekens zijn te zien."};
    case Operand::place_grid:
      return {"A place becomes a square of at least {}.", "Een plaats wordt een vak van minstens {}."};
    case Operand::place_lookup:
      return {"A place becomes what the list {} says.", "Een plaats wordt wat in de lijst {} staat."};
    case Operand::group_column: return {"There is a row for each {}.", "Er is een rij voor elke {}."};
    case Operand::group_measure: return {"Each row holds {}.", "Elke rij bevat {}."};
    case Operand::subject_column: return {"Each different value of {} counts once in a group.", "Elke verschillende waarde van {} telt één keer mee in een groep."};
    case Operand::max_groups:
      return {"There are at most {} groups. If there are more, nothing is sent.", "Er zijn hoogstens {} groepen. Zijn het er meer, dan gaat er niets weg."};
    case Operand::group_total: return {"There is a last row, with the total of all groups.", "Er is een laatste rij, met het totaal van alle groepen."};
    default: return {"This is done in the columns {}.", "Dit gebeurt in de kolommen {}."};
  }
}

std::string tell_transform(const Constraint& constraint, const Teller& teller) {
  std::string value;
  if (constraint.operand == Operand::cell_group) {
    for (std::size_t i = 0; i < constraint.values.size(); ++i) {
      value += (i == 0 ? "`" : i == 1 ? " = `" : " + `") + constraint.values[i] + "`";
    }
  } else {
    value = constraint.values.empty() ? describe_value(constraint) : values(constraint, teller, {"and", "en"});
  }
  if (constraint.operand == Operand::time_step && !constraint.values.empty()) {
    if (const auto step = parse_duration(constraint.values.front())) value = tell_period(0, *step, teller.language);
    else if (constraint.values.front() == "P1M") value = tell_period(1, {}, teller.language);
    else if (constraint.values.front() == "P1Y") value = tell_period(12, {}, teller.language);
  }
  return fmt::format(fmt::runtime(transform_words(constraint.operand).in(teller.language)), value);
}

Both logic_words(Logic logic) {
  switch (logic) {
    case Logic::any: return {"At least one of these is so:", "Minstens een van deze dingen klopt:"};
    case Logic::one: return {"Exactly one of these is so:", "Precies een van deze dingen klopt:"};
    case Logic::sequence: return {"All of these are so, in this order:", "Dit klopt allemaal, in deze volgorde:"};
    case Logic::all:
    case Logic::atom: break;
  }
  return {"All of these are so:", "Dit klopt allemaal:"};
}

void add_condition(std::vector<ToldLine>& lines, const Constraint& constraint, bool prohibition, const Teller& teller,
                   unsigned depth) {
  if (constraint.logic == Logic::atom) {
    lines.push_back({depth, tell(constraint, prohibition, teller), constraint.pointer});
    return;
  }
  lines.push_back({depth, std::string(logic_words(constraint.logic).in(teller.language)), constraint.pointer});
  for (const Constraint& one : constraint.operands) add_condition(lines, one, prohibition, teller, depth + 1);
}

std::string who(const Rule& rule, const Teller& teller) {
  if (rule.assignee) return named(*rule.assignee, teller);
  return dutch(teller) ? "De ontvanger" : "The receiver";
}

/// The action in Dutch with "niet" where it belongs.
std::string dutch_action(Action action, bool negated) {
  const auto* words = wording::of(action);
  if (words == nullptr) return "`" + std::string(to_string(action)) + (negated ? "` niet doen" : "` doen");
  return fmt::format("{}{} {}", words->object, negated ? " niet" : "", words->verb);
}

std::string heading(const Rule& rule, RuleClass kind, const Teller& teller) {
  const bool in_dutch = dutch(teller);
  if (is_transform(rule.action)) {
    const std::string what = tell(rule.action, teller.language);
    return in_dutch ? "De aanbieder moet dit doen voordat de gegevens weggaan: " + what + "."
                    : "Before the data leave, the provider must " + what + ".";
  }
  const bool conditions = !rule.constraints.empty() || !rule.refinements.empty() || !rule.duties.empty();
  std::string text;
  switch (kind) {
    case RuleClass::permission:
      text = who(rule, teller) + (in_dutch ? " mag " + dutch_action(rule.action, false)
                                           : " may " + tell(rule.action, teller.language));
      break;
    case RuleClass::prohibition:
      text = who(rule, teller) + (in_dutch ? " mag " + dutch_action(rule.action, true)
                                           : " may not " + tell(rule.action, teller.language));
      break;
    case RuleClass::obligation:
    case RuleClass::duty:
      text = who(rule, teller) + (in_dutch ? " moet " + dutch_action(rule.action, false)
                                           : " must " + tell(rule.action, teller.language));
      break;
  }
  if (rule.target) text += (in_dutch ? " (het gaat om " : " (this is about ") + named(*rule.target, teller) + ")";
  if (!conditions) return text + ".";
  if (kind == RuleClass::obligation || kind == RuleClass::duty) {
    return text + (in_dutch ? ". Dit hoort erbij:" : ". This belongs to it:");
  }
  return text + (in_dutch ? ", als dit klopt:" : ", if this is so:");
}

void add_followers(std::vector<ToldLine>& lines, const std::vector<Rule>& rules, Both before, const Teller& teller,
                   unsigned depth) {
  for (const Rule& rule : rules) {
    lines.push_back({depth, std::string(before.in(teller.language)), rule.pointer});
    for (ToldLine& line : tell(rule, RuleClass::duty, teller, depth + 1)) lines.push_back(std::move(line));
  }
}

bool stands_at(const std::vector<Constraint>& list, std::string_view pointer, const Constraint*& found) {
  for (const Constraint& one : list) {
    if (one.pointer == pointer) found = &one;
    if (found != nullptr || stands_at(one.operands, pointer, found)) return true;
  }
  return false;
}

bool search(const Rule& rule, std::string_view pointer, Found& found) {
  if (stands_at(rule.constraints, pointer, found.constraint)) return true;
  if (stands_at(rule.refinements, pointer, found.constraint)) return true;
  for (const auto* list : {&rule.duties, &rule.remedies, &rule.consequences}) {
    for (const Rule& one : *list) {
      if (one.pointer == pointer) found.duty = &one;
      if (found.duty != nullptr || search(one, pointer, found)) return true;
    }
  }
  return false;
}

}  // namespace

std::string tell(Action action, Language language) {
  if (language == Language::dutch) return dutch_action(action, false);
  const auto* words = wording::of(action);
  return words == nullptr ? "do `" + std::string(to_string(action)) + "`" : std::string(words->english);
}

std::string_view tell(Operand operand, Language language) {
  std::string_view text = wording::of(operand).in(language);
  for (const std::string_view article : {"the ", "de ", "het "}) {
    if (text.starts_with(article)) return text.substr(article.size());
  }
  return text;
}

std::string tell_purpose(std::string_view iri, const Teller& teller) {
  const auto index = teller.vocabulary.lookup(iri);
  if (!index) return "`" + std::string(iri.substr(0, 512)) + "`";
  const PurposeTerm& term = teller.vocabulary.term(*index);
  return "\"" + (dutch(teller) && !term.label_nl.empty() ? term.label_nl : term.label_en) + "\"";
}

std::string tell_class(std::string_view name, Language language) {
  struct Row {
    std::string_view name;
    Both text;
  };
  static constexpr std::array kClasses{
      Row{"municipality", {"municipality", "gemeente"}}, Row{"company", {"company", "bedrijf"}},
      Row{"residents", {"group of residents", "groep bewoners"}}, Row{"panel", {"citizen panel", "burgerpanel"}},
      Row{"province", {"province", "provincie"}}, Row{"research", {"research institute", "onderzoeksinstelling"}},
      Row{"citizen-group", {"group of residents", "groep bewoners"}},
      Row{"citizen-panel", {"citizen panel", "burgerpanel"}}};
  for (const Row& row : kClasses) {
    if (row.name == name) return std::string(row.text.in(language));
  }
  return "`" + std::string(name) + "`";
}

std::string tell_time(Timestamp time, Language language) {
  static constexpr std::array<Both, 12> kMonths{
      Both{"January", "januari"}, Both{"February", "februari"}, Both{"March", "maart"}, Both{"April", "april"},
      Both{"May", "mei"}, Both{"June", "juni"}, Both{"July", "juli"}, Both{"August", "augustus"},
      Both{"September", "september"}, Both{"October", "oktober"}, Both{"November", "november"},
      Both{"December", "december"}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::string text = fmt::format("{} {} {}", static_cast<unsigned>(date.day()),
                                       kMonths[static_cast<unsigned>(date.month()) - 1].in(language),
                                       static_cast<int>(date.year()));
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  if (time == day) return text;
  const bool in_dutch = language == Language::dutch;
  std::string hours = fmt::format("{}{}{:02}", clock.hours().count(), in_dutch ? "." : ":", clock.minutes().count());
  if (clock.seconds().count() != 0) hours += fmt::format("{}{:02}", in_dutch ? "." : ":", clock.seconds().count());
  return text + ", " + hours + (in_dutch ? " uur (UTC)" : " (UTC)");
}

std::string tell_period(std::int64_t months, Duration rest, Language language) {
  const bool in_dutch = language == Language::dutch;
  std::vector<std::string> parts;
  const auto add = [&](std::int64_t count, Both one, Both many) {
    if (count != 0) parts.push_back(fmt::format("{} {}", count, (count == 1 ? one : many).in(language)));
  };
  constexpr std::int64_t kSecond = 1'000'000;
  std::int64_t micros = rest.count();
  add(months / 12, {"year", "jaar"}, {"years", "jaar"});
  add(months % 12, {"month", "maand"}, {"months", "maanden"});
  add(micros / (86'400 * kSecond), {"day", "dag"}, {"days", "dagen"});
  micros %= 86'400 * kSecond;
  add(micros / (3600 * kSecond), {"hour", "uur"}, {"hours", "uur"});
  micros %= 3600 * kSecond;
  add(micros / (60 * kSecond), {"minute", "minuut"}, {"minutes", "minuten"});
  micros %= 60 * kSecond;
  if (const std::int64_t fraction = micros % kSecond; fraction != 0) {
    std::string digits = fmt::format("{:06}", fraction);
    digits.erase(digits.find_last_not_of('0') + 1);
    parts.push_back(fmt::format("{}{}{} {}", micros / kSecond, in_dutch ? ',' : '.', digits, in_dutch ? "seconde" : "seconds"));
  } else {
    add(micros / kSecond, {"second", "seconde"}, {"seconds", "seconden"});
  }
  if (parts.empty()) return in_dutch ? "0 seconden" : "0 seconds";
  return joined(parts, in_dutch ? "en" : "and");
}

std::string tell(const Constraint& constraint, bool prohibition, const Teller& teller) {
  if (constraint.logic != Logic::atom) {
    std::string text(logic_words(constraint.logic).in(teller.language));
    for (const Constraint& one : constraint.operands) text += " " + tell(one, prohibition, teller);
    return text;
  }
  switch (kind(constraint.operand)) {
    case Kind::purpose: return tell_purposes(constraint, prohibition, teller);
    case Kind::instant: return tell_instant(constraint, teller);
    case Kind::elapsed:
    case Kind::delay:
    case Kind::metered: return tell_span(constraint, teller);
    case Kind::count:
    case Kind::decimal: return tell_number(constraint, teller);
    case Kind::transform: return tell_transform(constraint, teller);
    case Kind::names: break;
  }
  return tell_names(constraint, teller);
}

std::vector<ToldLine> tell(const Rule& rule, RuleClass kind, const Teller& teller, unsigned depth) {
  std::vector<ToldLine> lines{{depth, heading(rule, kind, teller), rule.pointer}};
  const bool prohibition = kind == RuleClass::prohibition;
  for (const auto* list : {&rule.constraints, &rule.refinements}) {
    for (const Constraint& one : *list) add_condition(lines, one, prohibition, teller, depth + 1);
  }
  add_followers(lines, rule.duties, {"This was done first:", "Dit is eerst gedaan:"}, teller, depth + 1);
  add_followers(lines, rule.remedies, {"Who does it all the same:", "Wie het toch doet:"}, teller, depth + 1);
  add_followers(lines, rule.consequences, {"If this is too late:", "Als dit te laat gebeurt:"}, teller, depth + 1);
  return lines;
}

std::vector<ToldLine> tell(const Policy& policy, const Teller& teller) {
  std::vector<ToldLine> lines;
  const auto add = [&](const std::vector<Rule>& rules, RuleClass kind) {
    for (const Rule& rule : rules) {
      for (ToldLine& line : tell(rule, kind, teller)) lines.push_back(std::move(line));
    }
  };
  add(policy.permissions, RuleClass::permission);
  add(policy.prohibitions, RuleClass::prohibition);
  add(policy.obligations, RuleClass::obligation);
  lines.push_back({0, std::string(Both{"Nothing else is allowed.", "Verder mag er niets."}.in(teller.language)), ""});
  return lines;
}

std::string to_text(const std::vector<ToldLine>& lines) {
  std::string text;
  for (const ToldLine& line : lines) {
    text += std::string(2 * static_cast<std::size_t>(line.depth), ' ');
    text += (line.depth == 0 ? "" : "- ") + line.text + "\n";
  }
  return text;
}

Found find(const Policy& policy, std::string_view pointer) {
  for (const auto& [rules, kind] : {std::pair{&policy.permissions, RuleClass::permission},
                                    std::pair{&policy.prohibitions, RuleClass::prohibition},
                                    std::pair{&policy.obligations, RuleClass::obligation}}) {
    for (const Rule& rule : *rules) {
      Found found;
      if (rule.pointer != pointer && !search(rule, pointer, found)) continue;
      found.rule = &rule;
      found.kind = kind;
      return found;
    }
  }
  return {};
}

}  // namespace sluis::policy
