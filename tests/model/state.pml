/* What there is: the disk, the process, the witness, and what the world remembers. */

/* A batch is a bit and batches have rising numbers, so a log is the set of its batches, the lowest came first, and a fork
   can be seen from two sets alone. In a replay a tree is its size. */
#ifndef REPLAY
#define TREE byte
#define COUNT byte
#define LOWEST(x) ((x) & -(x))
/* `one` is `other`, or was it earlier. */
#define HOLDS(one, other) (((one) & (other)) == (other) && ((one) == (other) || LOWEST((one) ^ (other)) > (other)))
#define MARKED(tree) (((tree) & marks) != 0)
#define GROWN (log | batch)
#define MORE (batch < (1 << BATCHES))
#define UNSETTLED(what) (what)
#define LEFT(budget) (budget > 0)
#define USE(budget) budget--
#define SEEN(what, a, b, c) true
#define NEXT skip
#define ENDS forget()
#define BEGIN skip
#endif

/* ---- What is asserted, by number and name; what was reached, which is no part of the state. */
c_decl {
  static unsigned char happened[32];
  static void reach(int at, const char *what) {
    if (happened[at] == 0) printf("reached: %s\n", what);
    happened[at] = 1;
  }
}
#ifndef ONLY
#define ONLY 0
#endif
#define must(number, what, condition) \
  if :: (ONLY != 0 && ONLY != number) || (condition) :: else -> c_code { printf("violated: %s\n", what); }; assert(false) fi
#define happens(at, what) c_code { reach(at, what); }

/* ---- The disk. `shown` is what a reader is given, `kept` what is left when the power fails. */
TREE store_shown;
TREE store_kept;
bool store_gap;  /* some bytes never came to the disk: nothing behind them counts */
byte marks;      /* the batches with which the store learnt that there must be slots */
bool ended;      /* the store knows that a witness proved it not to be what this log was */

mtype = { clean, dirty, gone };  /* gone: its sync failed, and the kernel will not try again */
typedef Slot {
  TREE shown; COUNT shown_count;  /* count 0: nothing, or torn */
  TREE kept; COUNT kept_count;
  mtype state = clean;
}
Slot slot[2];

/* ---- The process. */
mtype = { down, starting, opened, asking, serving };
mtype phase = down;
mtype = { idle, written, synced, unknown, reopening };
mtype lead = idle;            /* who prepares and writes a batch */
mtype = { nothing, due, signed, stored, refused };
mtype keep = nothing;         /* who keeps a checkpoint */
TREE log;                     /* in memory, with what is written and not synced */
TREE newest;                  /* with all written batches that wait for their checkpoint */
TREE keeping;                 /* what the checkpoint that is kept now signs */
byte waiting;                 /* written batches without a kept checkpoint, */
byte covered;                 /* so many of them are in the one that is kept now */
bool broken;                  /* recover before anything else is begun */
bool lead_is_lost;            /* a checkpoint before the written batch failed */
TREE checkpoint;              /* the newest that was kept, and */
COUNT count;                  /* its number */
TREE public;                  /* the one that is given to everybody */
bool quarantined;             /* by what lies here, */
bool given_up;                /* or by what a witness shows */
#define stopped (quarantined || given_up)

/* ---- The witness: what it saw last, on its disk, and the newest that it signed. */
TREE seen;
TREE cosigned;

/* ---- What the world remembers. */
TREE acknowledged;
TREE published;
bool loss;      /* this store lost something that was on the disk */
bool replaced;  /* the slots are gone, or those of an older copy: they cannot show it, */
bool whole;     /* and nothing in the store did */
bool unasked;   /* the witness did not answer when the process started, nor since */

/* ---- The log before this one, once it is sealed. */
bool sealed;
bool returned;  /* and somebody put its store back */
TREE old_store;
TREE old_slot;
byte old_marks;
TREE old_seen;
TREE old_acknowledged;
TREE old_published;

/* ---- What is left of all that is bounded. */
byte batch = 1;
byte kills = KILLS;
byte powers = POWERS;
byte failures = FAILURES;
byte traps = TRAPS;
byte restores = RESTORES;
byte origins = ORIGINS;

byte cut;  /* scratch, 0 between steps */

/* What a copy can be silent about: only the witness could tell, and it was away, or never saw what is missing. */
#define EXCUSED(tree) (whole && (unasked || HOLDS(tree, seen)))

inline check_acknowledged() {
  must(1, "an acknowledged entry is in the log, or the log is quarantined",
       (stopped || HOLDS(log, acknowledged) || EXCUSED(log)))
}

/* What a kept checkpoint covers is answered to whoever asks by a commit's id. What was lost stays lost. */
inline acknowledge(tree) {
  if
  :: HOLDS(tree, acknowledged) -> acknowledged = tree
  :: else
  fi
}

inline publish(tree) {
  public = tree;
  if
  :: HOLDS(published, tree)
  :: HOLDS(tree, published) -> published = tree
  :: else ->
    happens(0, "a fork is published while the witness is away");
    must(2, "no fork is published unnoticed", (stopped || EXCUSED(tree)))
  fi
}

/* Some of the newest batches of a tree that has any are gone. */
inline lose_newest(tree) {
  cut = 1;
  do
  :: (cut << 1) <= tree -> cut = cut << 1
  :: break
  od;
  tree = tree & (cut - 1);
  cut = 0
}

/* The process is no more. */
inline forget() {
  phase = down; lead = idle; keep = nothing;
  log = 0; newest = 0; keeping = 0; waiting = 0; covered = 0;
  broken = false; lead_is_lost = false;
  checkpoint = 0; count = 0; public = 0;
  quarantined = false; given_up = false; unasked = false
}
