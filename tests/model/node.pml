/* The node: connector/commit (Sequencer, Pipeline) with connector/provenance (CheckpointSlots). */

/* ---- Opening and recovery. */

inline start() {
  atomic { phase == down && SEEN(STARTED, 0, 0, 0) -> NEXT; phase = starting }
}

/* What a reader is given of a slot is on the disk before it is believed. */
inline settle_slot(at) {
  atomic {
    phase == starting && UNSETTLED(slot[at].state != clean) && SEEN(SLOT_SYNCED, at, 0, 0) -> NEXT;
    if
    :: slot[at].state == gone -> slot[at].shown = slot[at].kept; slot[at].shown_count = slot[at].kept_count
    :: else -> slot[at].kept = slot[at].shown; slot[at].kept_count = slot[at].shown_count
    fi;
    slot[at].state = clean
  }
}

/* The write of a slot or its sync: the old, the new or nothing whole is on the disk, and a reader is given that, or still the new. */
inline spoil_slot(at) {
  if
  :: true
  :: slot[at].kept = slot[at].shown; slot[at].kept_count = slot[at].shown_count
  :: slot[at].kept = 0; slot[at].kept_count = 0
  fi;
  if
  :: slot[at].state = gone
  :: slot[at].shown = slot[at].kept; slot[at].shown_count = slot[at].kept_count; slot[at].state = clean
  fi
}

inline fail_to_settle(at) {
  atomic {
    phase == starting && UNSETTLED(slot[at].state == dirty) && LEFT(failures) && SEEN(SLOT_FAILED, at, 0, 0) -> USE(failures); NEXT;
    spoil_slot(at);
    ENDS
  }
}

#define RECOVERS (phase == serving && broken && lead == idle && waiting == 0 && !stopped)

/* The store's own recovery: what it finds lies in a new file, and is synced, before the store is open. */
inline settle_store() {
  atomic {
    (phase == starting || RECOVERS) && UNSETTLED(store_shown != store_kept || store_gap) && SEEN(STORE_SETTLED, 0, 0, 0) -> NEXT;
    if
    :: store_gap -> store_shown = store_kept
    :: true
    fi;
    store_kept = store_shown; store_gap = false
  }
}

#ifdef BUG_STORE_IS_NOT_SETTLED
#define STORE_IS_SETTLED true
#else
#define STORE_IS_SETTLED (store_shown == store_kept && !store_gap)
#endif
#ifdef BUG_SLOT_IS_READ_FROM_CACHE
#define SLOTS_ARE_SETTLED true
#else
#define SLOTS_ARE_SETTLED (slot[0].state == clean && slot[1].state == clean)
#endif

/* Against the newest checkpoint that is kept beside the store. */
inline compare() {
  if
#ifndef BUG_SUCCESSOR_IS_FORGOTTEN
  :: returned && !replaced -> quarantined = true; happens(1, "a log that another has followed is quarantined")
#endif
#ifndef BUG_GIVEN_UP_IS_FORGOTTEN
  :: ended -> quarantined = true; happens(13, "a log that was given up stays so when it starts again")
#endif
#ifndef BUG_STORE_IS_TRUSTED
  :: count > 0 && !HOLDS(log, checkpoint) -> quarantined = true; happens(2, "a store that is behind its slot is quarantined")
  :: count == 0 && MARKED(log) -> quarantined = true; happens(3, "a store without its slots is quarantined")
#endif
  :: else
  fi;
  must(4, "no log is quarantined that lost nothing", (!quarantined || loss));
  if
  :: replaced && !quarantined -> whole = true
  :: else
  fi
}

inline recovered() {
  keep = nothing; keeping = 0;
  if
  :: phase == opened -> phase = asking
  :: else -> lead = idle; broken = false; check_acknowledged()
  fi;
  if
  :: !stopped -> acknowledge(log)
  :: else
  fi
}

/* The store may have lost what was synced, and says nothing. What it holds beyond the slot is signed. */
inline recover() {
  if
  :: traps > 0 && store_shown != 0 -> traps--; lose_newest(store_shown); store_kept = store_shown; loss = true; ended = false
  :: true
  fi;
  log = store_shown;
  compare();
  if
  :: stopped || log == 0 || log == checkpoint -> recovered()
  :: else ->
    keeping = log; keep = due;
    happens(4, "a store is ahead of its slot when it is opened")
  fi
}

inline open_log() {
  atomic {
    phase == starting && SLOTS_ARE_SETTLED && STORE_IS_SETTLED ->
    phase = opened;
    if
    :: slot[1].shown_count > slot[0].shown_count -> checkpoint = slot[1].shown; count = slot[1].shown_count
    :: else -> checkpoint = slot[0].shown; count = slot[0].shown_count
    fi;
    recover()
  }
}

/* In the running process, once nothing is under way. */
inline recover_again() {
  atomic {
    RECOVERS && STORE_IS_SETTLED ->
    lead = reopening;
    happens(5, "a running process recovers after a failure");
    recover()
  }
}

/* ---- Batches: one at a time is written, and one checkpoint at a time kept behind it. That a sync has ended is one step, what the
   pipeline makes of it another: of a batch's and a checkpoint's, either may be taken in hand first. */

inline count_in() {
  if
  :: lead_is_lost  /* unknown, as those before it */
  :: else ->
    waiting++; newest = log;
    if
    :: keep == nothing -> keep = due; keeping = newest; covered = waiting
    :: else
    fi;
    if
    :: waiting == AHEAD -> happens(6, "as many batches wait as may")
    :: else
    fi
  fi
}

inline write_batch() {
  atomic {
    phase == serving && lead == idle && !broken && !stopped && waiting < AHEAD && MORE && HOLDS(GROWN, log) &&
    SEEN(STORE_WRITTEN, GROWN, 0, 0) ->
    if
    :: count > 0 && !MARKED(log) -> marks = marks | batch
    :: else
    fi;
    log = GROWN; batch = batch << 1;
    NEXT;
    store_shown = log; lead = written; lead_is_lost = false;
#ifdef BUG_SIGNED_BEFORE_SYNC
    count_in()
#endif
  }
}

inline sync_batch() {
  atomic {
    lead == written && SEEN(STORE_SYNCED, 0, 0, 0) -> NEXT;
    if
    :: store_gap
    :: else -> store_kept = store_shown
    fi;
    lead = synced
  }
}

inline batch_is_written() {
  atomic {
    lead == synced ->
    lead = idle;
#ifndef BUG_SIGNED_BEFORE_SYNC
    count_in()
#endif
  }
}

/* It may be on the disk, or not. */
inline fail_batch() {
  atomic {
    lead == written && LEFT(failures) && SEEN(STORE_FAILED, 0, 0, 0) -> USE(failures); NEXT;
    if
    :: !store_gap -> store_kept = store_shown
    :: store_gap = true
    fi;
    lead = unknown
  }
}

inline batch_has_failed() {
  atomic {
    lead == unknown ->
    lead = idle;
#ifndef BUG_GOES_ON_AFTER_FAILURE
    broken = true
#endif
  }
}

/* ---- Checkpoints. */

#ifdef BUG_ONE_SLOT
#define TURN 0
#else
#define TURN ((count + 1) % 2)
#endif

inline acknowledge_covered() {
  if
  :: waiting > 0 ->
    if
    :: covered > 1 -> happens(7, "a checkpoint acknowledges batches that were written while another was kept")
    :: else
    fi;
    if
    :: sealed -> happens(8, "a log that follows another acknowledges")
    :: else
    fi;
#ifdef BUG_ALL_THAT_WAIT
    acknowledge(newest); waiting = 0;
#else
    acknowledge(keeping); waiting = waiting - covered;
#endif
    covered = 0
  :: else
  fi
}

inline sign_into_slot() {
  atomic {
    keep == due && keeping != checkpoint && !stopped && SEEN(SLOT_WRITTEN, TURN, count + 1, keeping) -> NEXT;
    must(6, "no log signs that another has followed", (!returned || whole));
    must(7, "no log signs that was proven to be another", (!ended));
    slot[TURN].shown = keeping; slot[TURN].shown_count = count + 1; slot[TURN].state = dirty;
    keep = signed;
#ifdef BUG_PUBLISHED_BEFORE_SLOT
    publish(keeping);
#endif
#ifdef BUG_ACKNOWLEDGED_BEFORE_SLOT
    acknowledge(keeping)
#endif
  }
}

inline sync_slot() {
  atomic {
    keep == signed && SEEN(SLOT_SYNCED, TURN, 0, 0) -> NEXT;
    slot[TURN].kept = slot[TURN].shown; slot[TURN].kept_count = slot[TURN].shown_count; slot[TURN].state = clean;
    count++; checkpoint = keeping;
    keep = stored
  }
}

/* A batch of commits that were all there before, by their ids, does not change the log. */
inline have_it_already() {
  atomic { keep == due && keeping == checkpoint && !stopped -> keep = stored }
}

inline checkpoint_is_kept() {
  atomic {
    keep == stored ->
    if
    :: phase == opened || lead == reopening -> recovered()
    :: else ->
      acknowledge_covered();
      if
      :: waiting > 0 -> keeping = newest; covered = waiting; keep = due
      :: else -> keeping = 0; newest = 0; keep = nothing
      fi
    fi
  }
}

inline checkpoint_has_failed() {
  atomic {
    keep == refused ->
    keep = nothing; keeping = 0; newest = 0; waiting = 0; covered = 0;
    if
    :: phase == opened -> ENDS  /* the process does not start */
    :: lead == reopening -> lead = idle
    :: else -> broken = true; lead_is_lost = (lead != idle)
    fi
  }
}

inline fail_slot() {
  atomic {
    keep == signed && LEFT(failures) && SEEN(SLOT_FAILED, TURN, 0, 0) -> USE(failures); NEXT;
    spoil_slot(TURN);
    happens(9, "a slot cannot be synced");
#ifdef BUG_OTHER_SLOT_AFTER_FAILURE
    count++;
#endif
    keep = refused
  }
}

/* A log that is given up signs nothing, not even what waits. */
inline refuse_to_sign() {
  atomic { keep == due && stopped -> keep = refused }
}
