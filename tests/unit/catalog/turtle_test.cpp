#include "catalog/turtle.hpp"

#include <gtest/gtest.h>
#include <serd/serd.h>

#include <set>

namespace sluis::catalog {
namespace {

constexpr std::string_view kContext = R"("@context":{"dcat":"http://www.w3.org/ns/dcat#","dct":"http://purl.org/dc/terms/",)"
                                      R"("xsd":"http://www.w3.org/2001/XMLSchema#"})";

struct Read {
  SerdEnv* env = nullptr;
  std::set<std::string> triples;
};

std::string full(SerdEnv* env, const SerdNode* node) {
  if (node == nullptr || node->buf == nullptr) return "";
  SerdNode expanded = serd_env_expand_node(env, node);
  const SerdNode& it = expanded.buf != nullptr ? expanded : *node;
  std::string text(reinterpret_cast<const char*>(it.buf), it.n_bytes);
  serd_node_free(&expanded);
  return text;
}

/// Each triple of a Turtle document, as serd itself reads it back: subject, predicate, object, datatype, language.
std::set<std::string> read_back(const std::string& turtle) {
  Read read;
  read.env = serd_env_new(nullptr);
  SerdReader* reader = serd_reader_new(
      SERD_TURTLE, &read, nullptr, nullptr,
      [](void* to, const SerdNode* name, const SerdNode* uri) {
        return serd_env_set_prefix(static_cast<Read*>(to)->env, name, uri);
      },
      [](void* to, SerdStatementFlags, const SerdNode*, const SerdNode* s, const SerdNode* p, const SerdNode* o,
         const SerdNode* datatype, const SerdNode* language) {
        auto& into = *static_cast<Read*>(to);
        into.triples.insert(full(into.env, s) + " | " + full(into.env, p) + " | " + full(into.env, o) + " | " +
                            full(into.env, datatype) + " | " + full(into.env, language));
        return SERD_SUCCESS;
      },
      nullptr);
  EXPECT_EQ(serd_reader_read_string(reader, reinterpret_cast<const uint8_t*>(turtle.c_str())), SERD_SUCCESS) << turtle;
  serd_reader_free(reader);
  serd_env_free(read.env);
  return read.triples;
}

std::string turtle_of(const std::string& members) {
  const auto document = json::parse("{" + std::string(kContext) + "," + members + "}");
  EXPECT_TRUE(document);
  const auto turtle = to_turtle(*document);
  EXPECT_TRUE(turtle) << describe(turtle.error());
  return turtle ? *turtle : std::string();
}

TEST(Turtle, SaysWhatTheJsonLdSays) {
  const auto triples = read_back(turtle_of(
      R"("@id":"urn:a","@type":"dcat:Catalog","dct:title":[{"@value":"Telling","@language":"nl"},{"@value":"Count","@language":"en"}],)"
      R"("dct:modified":{"@value":"2026-11-26T12:00:00Z","@type":"xsd:dateTime"},"dcat:dataset":[{"@id":"urn:b","dct:identifier":"b"}])"));
  EXPECT_EQ(triples, (std::set<std::string>{
                         "urn:a | http://www.w3.org/1999/02/22-rdf-syntax-ns#type | http://www.w3.org/ns/dcat#Catalog |  | ",
                         "urn:a | http://purl.org/dc/terms/title | Telling |  | nl",
                         "urn:a | http://purl.org/dc/terms/title | Count |  | en",
                         "urn:a | http://purl.org/dc/terms/modified | 2026-11-26T12:00:00Z | "
                         "http://www.w3.org/2001/XMLSchema#dateTime | ",
                         "urn:a | http://www.w3.org/ns/dcat#dataset | urn:b |  | ",
                         "urn:b | http://purl.org/dc/terms/identifier | b |  | "}));
}

TEST(Turtle, TextIsTextWhateverStandsInIt) {
  const auto triples = read_back(
      turtle_of(R"("@id":"urn:a","dct:title":"a \"quote\", a \\ and\na line \u20ac . <urn:x> a <urn:y> .")"));
  ASSERT_EQ(triples.size(), 1U);
  EXPECT_EQ(*triples.begin(), "urn:a | http://purl.org/dc/terms/title | a \"quote\", a \\ and\na line \u20ac . <urn:x> a <urn:y> . |  | ");
}

TEST(Turtle, AnIdCannotBreakOutOfItsBrackets) {
  const auto triples = read_back(turtle_of(R"("@id":"urn:a> <urn:p> <urn:o> . <urn:b","dct:title":"t")"));
  EXPECT_EQ(triples.size(), 1U);
}

TEST(Turtle, NodesWithoutIdAreNodesOfTheirOwn) {
  const auto triples = read_back(turtle_of(R"("@id":"urn:a","dct:creator":[{"dct:title":"x"},{"dct:title":"x"}])"));
  EXPECT_EQ(triples.size(), 4U);
}

TEST(Turtle, WhatIsNotOfThisShapeIsRefused) {
  for (const char* text : {R"({"@id":"urn:a"})", R"({"@context":{"a":1}})", R"({"@context":{},"@id":7})",
                           R"({"@context":{},"@id":"urn:a","urn:p":7})", R"({"@context":{},"@id":"urn:a","@type":["x"]})"}) {
    EXPECT_FALSE(to_turtle(*json::parse(text))) << text;
  }
}

}  // namespace
}  // namespace sluis::catalog
