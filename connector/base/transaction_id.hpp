#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <string>

namespace sluis {

/// The name of a transaction: `urn:uuid:` with a version 7 UUID (RFC 9562, section 5.7), as Digikoppeling FSC-logging asks of its
/// `transaction_id`. `now`: of the node; what is before 1970 counts as 1970. All 74 bits behind the milliseconds are random: such names sort
/// by time, and nobody guesses one.
std::string new_transaction_id(Random& random, Timestamp now);

}  // namespace sluis
