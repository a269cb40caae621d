#include "catalog/turtle.hpp"

#include <serd/serd.h>

#include <map>
#include <memory>
#include <set>

namespace sluis::catalog {
namespace {

constexpr std::string_view kType = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

Error unexpected(std::string_view what) {
  return Error(ErrorCode::internal, "the catalogue has no form in Turtle: " + std::string(what));
}

SerdNode node_of(SerdType type, const std::string& text) {
  return serd_node_from_substring(type, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::size_t append(const void* bytes, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return size;
}

struct Freed {
  void operator()(SerdEnv* env) const { serd_env_free(env); }
  void operator()(SerdWriter* writer) const { serd_writer_free(writer); }
};

/// A subject or an object: an IRI or a blank node.
struct Name {
  SerdType type = SERD_URI;
  std::string text;
};

class Turtle {
 public:
  Result<std::string> write(const json::Value& document) {
    SLUIS_CHECK(read_context(document));
    SLUIS_TRY(const Name subject, name_of(document));
    SLUIS_CHECK(write_node(document, subject));
    if (serd_writer_finish(writer_.get()) != SERD_SUCCESS) return unexpected("the end");
    return std::move(text_);
  }

 private:
  Result<void> read_context(const json::Value& document) {
    const json::Value* context = document.find("@context");
    if (context == nullptr || context->if_object() == nullptr) return unexpected("no `@context`");
    for (const json::Member& member : *context->if_object()) {
      const std::string* iri = member.second.if_string();
      if (iri == nullptr) return unexpected(member.first);
      prefixes_[member.first] = *iri;
      const SerdNode name = node_of(SERD_LITERAL, member.first);
      const SerdNode uri = node_of(SERD_URI, *iri);
      if (serd_writer_set_prefix(writer_.get(), &name, &uri) != SERD_SUCCESS) return unexpected(member.first);
    }
    return {};
  }

  /// `dcat:Dataset` as a full IRI; an IRI of another scheme as it is. What no IRI may hold (Turtle, IRIREF) is
  /// percent-encoded, so that nothing breaks out of its brackets.
  std::string expanded(const std::string& name) const {
    const std::size_t colon = name.find(':');
    const auto prefix = colon == std::string::npos ? prefixes_.end() : prefixes_.find(name.substr(0, colon));
    const std::string whole = prefix == prefixes_.end() ? name : prefix->second + name.substr(colon + 1);
    constexpr std::string_view kForbidden = "<>\"{}|^`\\";
    std::string text;
    for (const char c : whole) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte > 0x20 && kForbidden.find(c) == std::string_view::npos) {
        text += c;
      } else {
        text += '%';
        text += "0123456789ABCDEF"[byte >> 4U];
        text += "0123456789ABCDEF"[byte & 15U];
      }
    }
    return text;
  }

  Result<Name> name_of(const json::Value& node) {
    const json::Value* id = node.find("@id");
    if (id == nullptr) return Name{SERD_BLANK, "b" + std::to_string(++blanks_)};
    if (id->if_string() == nullptr) return unexpected("an `@id`");
    return Name{SERD_URI, expanded(*id->if_string())};
  }

  Result<void> statement(const Name& subject, const std::string& predicate, const Name& object,
                         const std::string& datatype = {}, const std::string& language = {}) {
    const SerdNode s = node_of(subject.type, subject.text);
    const SerdNode p = node_of(SERD_URI, predicate);
    const SerdNode o = node_of(object.type, object.text);
    const SerdNode d = datatype.empty() ? SERD_NODE_NULL : node_of(SERD_URI, datatype);
    const SerdNode l = language.empty() ? SERD_NODE_NULL : node_of(SERD_LITERAL, language);
    if (serd_writer_write_statement(writer_.get(), 0, nullptr, &s, &p, &o, &d, &l) != SERD_SUCCESS) {
      return unexpected(predicate);
    }
    return {};
  }

  Result<void> write_literal(const Name& subject, const std::string& predicate, const json::Value& value) {
    SLUIS_TRY(const std::string text, json::required_string(value, "@value"));
    SLUIS_TRY(const auto type, json::optional_string(value, "@type"));
    SLUIS_TRY(const auto language, json::optional_string(value, "@language"));
    return statement(subject, predicate, {SERD_LITERAL, text}, type ? expanded(*type) : "", language.value_or(""));
  }

  /// One value of a property. A node below it is written after its parent is complete.
  Result<void> write_value(const Name& subject, const std::string& predicate, const json::Value& value,
                           std::vector<std::pair<Name, const json::Value*>>& below) {
    if (const json::Array* items = value.if_array()) {
      for (const json::Value& item : *items) SLUIS_CHECK(write_value(subject, predicate, item, below));
      return {};
    }
    if (const std::string* text = value.if_string()) return statement(subject, predicate, {SERD_LITERAL, *text});
    if (value.if_object() == nullptr) return unexpected(predicate);
    if (value.find("@value") != nullptr) return write_literal(subject, predicate, value);
    SLUIS_TRY(Name object, name_of(value));
    SLUIS_CHECK(statement(subject, predicate, object));
    below.emplace_back(std::move(object), &value);
    return {};
  }

  Result<void> write_node(const json::Value& node, const Name& subject) {
    if (subject.type == SERD_URI && !written_.insert(json::serialise(node)).second) return {};
    std::vector<std::pair<Name, const json::Value*>> below;
    for (const json::Member& member : *node.if_object()) {
      const auto& [key, value] = member;
      if (key == "@context" || key == "@id") continue;
      if (key == "@type") {
        if (value.if_string() == nullptr) return unexpected("an `@type`");
        SLUIS_CHECK(statement(subject, std::string(kType), {SERD_URI, expanded(*value.if_string())}));
      } else {
        SLUIS_CHECK(write_value(subject, expanded(key), value, below));
      }
    }
    for (const auto& [name, child] : below) SLUIS_CHECK(write_node(*child, name));
    return {};
  }

  std::string text_;
  std::map<std::string, std::string, std::less<>> prefixes_;
  std::set<std::string> written_;
  std::size_t blanks_ = 0;
  std::unique_ptr<SerdEnv, Freed> env_{serd_env_new(nullptr)};
  std::unique_ptr<SerdWriter, Freed> writer_{
      serd_writer_new(SERD_TURTLE, static_cast<SerdStyle>(SERD_STYLE_ABBREVIATED | SERD_STYLE_CURIED), env_.get(),
                      nullptr, append, &text_)};
};

}  // namespace

Result<std::string> to_turtle(const json::Value& document) { return Turtle().write(document); }

}  // namespace sluis::catalog
