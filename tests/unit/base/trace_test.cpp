#include "connector/base/trace.hpp"
#include "connector/base/bytes.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis {
namespace {

constexpr const char* kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, AStepIsBelowTheCallersAndGoesOnUnderItsOwnId) {
  test::SeededRandom random;
  const Trace step = begin_step(kGood, random);
  EXPECT_EQ(to_hex(step.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(to_hex(step.parent_span_id), "00f067aa0ba902b7");
  EXPECT_EQ(step.span_id.size(), 8U);
  EXPECT_EQ(step.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-" + to_hex(step.span_id) + "-01") << "the flags as they came";
  const Trace other = another_step(step, random);
  EXPECT_EQ(other.trace_id, step.trace_id);
  EXPECT_EQ(other.parent_span_id, step.parent_span_id);
  EXPECT_NE(other.span_id, step.span_id);
  EXPECT_EQ(begin_step(step.traceparent(), random).parent_span_id, step.span_id);
}

TEST(Trace, WhatIsNoneBeginsATraceOfItsOwn) {
  test::SeededRandom random;
  for (const char* bad : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more"}) {
    const Trace step = begin_step(bad, random);
    EXPECT_EQ(step.parent_span_id, "") << bad;
    EXPECT_NE(to_hex(step.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736") << bad;
    EXPECT_EQ(step.trace_id.size(), 16U);
    EXPECT_EQ(step.flags, "00");
  }
  EXPECT_EQ(to_hex(begin_step("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", random).parent_span_id), "00f067aa0ba902b7") << "of a later version";
}

}  // namespace
}  // namespace sluis
