/*
 * A trace of the real program against the model: the same steps, but one that is seen from outside happens only where the
 * next event says so. The model allows a trace if the search comes to its end, which `see_end` reports.
 * A tree is its size here, for system calls show no more of it. What cannot be traced is off: power, restores, the witness.
 */
#define REPLAY
#define TREE int
#define COUNT int
#define HOLDS(one, other) ((one) >= (other))
#define MARKED(tree) false
#define GROWN first
#define MORE true
#define UNSETTLED(what) true  /* to sync what is on the disk does no harm */
#define LEFT(budget) true
#define USE(budget) skip
#define SEEN(what, a, b, c) (event == what && first == (a) && second == (b) && third == (c))
#define NEXT c_code { take(&now.position, &now.event, &now.first, &now.second, &now.third, &now.doubtful); }
#define BEGIN c_code { load(); take(&now.position, &now.event, &now.first, &now.second, &now.third, &now.doubtful); }

#define ENDS skip  /* the trace says when */

#define BATCHES 0
#define AHEAD 4
#define KILLS 0
#define POWERS 0
#define FAILURES 0
#define TRAPS 0
#define RESTORES 0
#define ORIGINS 0
#define WITNESS false

/* Events: one of these, three values, and whether it may not have been, a line, as trace.py writes them. It reads the numbers here. */
#define END 0
#define STARTED 1
#define KILLED 2
#define STORE_WRITTEN 3  /* the log's size with it */
#define STORE_SYNCED 4
#define STORE_FAILED 5
#define STORE_SETTLED 6
#define SLOT_WRITTEN 7   /* which, its count, the size that it signs */
#define SLOT_SYNCED 8    /* which */
#define SLOT_FAILED 9    /* which */
#define ANSWERED 10      /* an entry */
#define PUBLISHED 11     /* a checkpoint's size */
#define SIZE 12          /* of the log */
int position;
int event;
int first;
int second;
int third;
int doubtful;

c_decl {
  static int (*trace)[5];
  static int trace_length;
  static int farthest;
  static void tell(void) { printf("stopped before event %d of %d\n", farthest, trace_length); }
  static void load(void) {
    enum { most = 1 << 20 };
    if (trace != 0) return;
    FILE *file = fopen(getenv("SLUIS_TRACE"), "r");
    trace = calloc(most, sizeof *trace);
    if (file == 0 || trace == 0) exit(2);
    while (trace_length < most - 1) {
      int *to = trace[trace_length];
      if (fscanf(file, "%d %d %d %d %d", to, to + 1, to + 2, to + 3, to + 4) != 5) break;
      trace_length++;
    }
    fclose(file);
    atexit(tell);
  }
  /* Behind the last all is 0, which is END. */
  static void take(int *position, int *event, int *first, int *second, int *third, int *doubtful) {
    const int *from = trace[*position];
    *event = from[0];
    *first = from[1];
    *second = from[2];
    *third = from[3];
    *doubtful = from[4];
    if (*position > farthest) farthest = *position;
    ++*position;
  }
}

inline see_nothing() {
  atomic { doubtful == 1 -> NEXT }
}
inline see_answer() {
  atomic { event == ANSWERED && first < acknowledged -> NEXT }
}
inline see_published() {
  atomic { event == PUBLISHED && HOLDS(checkpoint, first) -> NEXT }
}
inline see_size() {
  atomic { event == SIZE && phase == serving && !quarantined && first == log -> NEXT }
}
inline see_end() {
  atomic { event == END -> c_code { printf("accepted\n"); }; assert(false) }
}

#include "append.pml"
