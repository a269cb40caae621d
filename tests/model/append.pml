/*
 * The append path of a log with all that may go wrong around it: one line of `world`, below, is one step that may come next.
 * What must hold is said by `must`, what is to happen at all by `happens`. README.md says how to read it.
 *
 * Bounds, from check.py: BATCHES AHEAD KILLS POWERS FAILURES TRAPS RESTORES ORIGINS WITNESS.
 * BUG_…: known bugs, one at a time, that the search must find. ONLY: that one property and no other.
 * With REPLAY a step that is seen from outside happens only where a trace says so: replay.pml.
 */
#include "state.pml"
#include "node.pml"
#include "surroundings.pml"

active proctype world() {
  BEGIN;
end:  /* it may rest here, and nowhere else */
  do
  /* node.pml */
  :: start()
  :: settle_slot(0)
  :: settle_slot(1)
  :: fail_to_settle(0)
  :: fail_to_settle(1)
  :: settle_store()
  :: open_log()
  :: write_batch()
  :: sync_batch()
  :: batch_is_written()
  :: fail_batch()
  :: batch_has_failed()
  :: recover_again()
  :: sign_into_slot()
  :: sync_slot()
  :: have_it_already()
  :: checkpoint_is_kept()
  :: fail_slot()
  :: refuse_to_sign()
  :: checkpoint_has_failed()
  /* surroundings.pml */
  :: ask_first()
  :: kill()
#ifdef REPLAY
  :: see_nothing()
  :: see_answer()
  :: see_published()
  :: see_size()
  :: see_end()
#else
  :: publish_newest()
  :: ask_again()
  :: lose_power()
  :: restore_copy()
  :: restore_old_log()
  :: recover_log()
#endif
  od
}
