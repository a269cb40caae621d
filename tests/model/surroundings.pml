/* Around the node: who is given its checkpoint, the witness (connector/provenance/witness.cpp, connector/node/cosigning.cpp),
   and what happens to the machine. */

inline publish_newest() {
  atomic { phase == serving && public != checkpoint -> publish(checkpoint) }
}

/* ---- The witness compares, keeps and only then answers. What it shows of this log is held against what is here. */

inline ask_witness() {
  if
  :: HOLDS(public, seen) ->
    must(3, "a witness never signs a fork", HOLDS(public, cosigned));
    cosigned = public;
#ifdef BUG_WITNESS_ANSWERS_FIRST
    if
    :: seen = public
    :: true  /* it crashed in between */
    fi
#else
    seen = public
#endif
  :: else ->
    if
    :: !HOLDS(store_shown, seen) ->
      must(5, "no log is given up that lost nothing", (loss));
      if
      :: phase == asking -> happens(10, "the witness stops a restored log before it records anything")
      :: else -> happens(11, "the witness stops a log that went on without it")
      fi;
      given_up = true;
      if
      :: ended = true
      :: true  /* it crashed in between */
      fi
    :: else
    fi
  fi;
  unasked = false
}

#if defined(BUG_NOBODY_IS_ASKED_FIRST)
#define MAY_ASK_FIRST false
#elif defined(BUG_EMPTY_LOG_ASKS_NOBODY)
#define MAY_ASK_FIRST (checkpoint != 0)
#else
#define MAY_ASK_FIRST true
#endif

/* Before anything is recorded, where the witness can be reached. */
inline ask_first() {
  atomic {
    phase == asking ->
    if
    :: WITNESS && !stopped -> unasked = true
    :: WITNESS && !stopped && MAY_ASK_FIRST -> public = checkpoint; ask_witness()
    :: !WITNESS || stopped || !MAY_ASK_FIRST
    fi;
    phase = serving;
    if
    :: public != 0 && !stopped -> publish(public)
    :: else
    fi;
    check_acknowledged()
  }
}

inline ask_again() {
  atomic {
    WITNESS && phase == serving && !stopped && public != 0 && (public != seen || unasked) ->
    ask_witness();
    check_acknowledged()
  }
}

/* ---- The machine. */

/* The process ends; what it wrote may still be read, and need not be on the disk. What was under way may not have begun. */
inline kill() {
  atomic {
    phase != down && LEFT(kills) && SEEN(KILLED, 0, 0, 0) -> USE(kills); NEXT;
    if
    :: lead == written -> store_shown = store_kept
    :: true
    fi;
    if
    :: keep == signed -> slot[TURN].shown = slot[TURN].kept; slot[TURN].shown_count = slot[TURN].kept_count; slot[TURN].state = clean
    :: true
    fi;
    forget()
  }
}

inline lose_unsynced(at) {
  if
  :: slot[at].state == clean
  :: slot[at].state != clean
  :: slot[at].state == dirty -> slot[at].kept = slot[at].shown; slot[at].kept_count = slot[at].shown_count
  :: slot[at].state == dirty -> slot[at].kept = 0; slot[at].kept_count = 0; happens(12, "a slot is torn")
  fi;
  slot[at].shown = slot[at].kept; slot[at].shown_count = slot[at].kept_count; slot[at].state = clean
}

/* Each part that was not synced is there or not; also some time after the process has ended. */
inline lose_power() {
  atomic {
    powers > 0 && (phase != down || store_shown != store_kept || slot[0].state != clean || slot[1].state != clean) -> powers--;
    if
    :: !store_gap
    :: store_shown = store_kept
    fi;
    store_kept = store_shown; store_gap = false;
    lose_unsynced(0);
    lose_unsynced(1);
    forget()
  }
}

inline set_slot(at, tree) {
  slot[at].shown = tree; slot[at].shown_count = (tree != 0 -> 1 : 0);
  slot[at].kept = slot[at].shown; slot[at].kept_count = slot[at].shown_count; slot[at].state = clean
}

/* With the slots as they are, without, or with those of the copy, which were not ahead of it. */
inline choose_slots() {
  if
  :: true
  :: set_slot(0, 0); set_slot(1, 0); replaced = true
  :: set_slot(0, 0); set_slot(1, store_shown); replaced = true
  :: store_shown != 0 -> set_slot(0, 0); set_slot(1, store_shown); replaced = true;
    lose_newest(slot[1].shown); set_slot(1, slot[1].shown)
  fi
}

/* An older copy of the store, or this one with other slots. */
inline restore_copy() {
  atomic {
    phase == down && restores > 0 && store_shown != 0 -> restores--;
    if
    :: lose_newest(store_shown)
    :: true
    fi;
    store_kept = store_shown; store_gap = false; loss = true; ended = false;
    choose_slots()
  }
}

/* The log is sealed, and another follows: with an own origin, an own key, own slots. */
inline recover_log() {
  atomic {
    origins > 0 && !returned && ((phase == serving && stopped) || (phase == down && replaced)) -> origins--;
#ifdef BUG_OLD_ORIGIN_GOES_ON
    marks = 0; ended = false; set_slot(0, 0); set_slot(1, 0);
#else
    sealed = true;
    old_store = acknowledged; old_marks = marks; old_seen = seen; old_acknowledged = acknowledged; old_published = published;
    old_slot = (slot[1].kept_count > slot[0].kept_count -> slot[1].kept : slot[0].kept);
    marks = 0; set_slot(0, 0); set_slot(1, 0);
    store_shown = 0; store_kept = 0; store_gap = false; ended = false;
    seen = 0; cosigned = 0; acknowledged = 0; published = 0; loss = false; replaced = false; whole = false;
#endif
    forget()
  }
}

/* A copy from before another log followed. */
inline restore_old_log() {
  atomic {
    phase == down && restores > 0 && sealed && !returned && old_store != 0 -> restores--;
    returned = true; loss = true; ended = false; replaced = false; whole = false;
    store_shown = old_store;
    if
    :: lose_newest(store_shown)
    :: true
    fi;
    store_kept = store_shown; store_gap = false;
    marks = old_marks; seen = old_seen; cosigned = old_seen; acknowledged = old_acknowledged; published = old_published;
    set_slot(0, 0); set_slot(1, old_slot);
    choose_slots();
    old_store = 0; old_slot = 0; old_marks = 0; old_seen = 0; old_acknowledged = 0; old_published = 0
  }
}
