#pragma once

#include <string>

#include "queue/transitions.h"

namespace maie::queue {

/// Once after every start of the machine: ends the leases of the time before (the next maintain()
/// offers their tasks again) and moves all deadlines to this start's clock. The time the machine
/// was off counts as the wall clock says, unless that is absurd (it went back, or by more than a
/// month: a board without a battery for its clock); then it does not count, and things are kept
/// longer rather than lost early.
Status adopt_boot(Database& db, const std::string& boot_id, Moment now);

/// Computes the wall-clock times of all deadlines anew and notes how the two clocks stand.
Status show_deadlines(Database& db, Moment now);

}  // namespace maie::queue
