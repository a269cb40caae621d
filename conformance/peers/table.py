"""The table that a run prints: a line for each step, as it comes."""
WORDS = {"worked": "worked", "failed": "FAILED", "skipped": "not tried"}
WIDTHS = (22, 44, 40)
ALONE = 400  # bytes of what somebody else said, at most


def one_line(text):
    text = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return text if len(text) <= ALONE else text[:ALONE - 1] + "…"


class Table:
    """`worked`, `failed`, `skipped` each add a line; `close` the last one, and gives the exit code."""
    def __init__(self, out):
        self.out, self.count = out, {"worked": 0, "failed": 0, "skipped": 0}
        self.rows = []
        self._print("STEP", "SENT", "CAME", "RESULT")

    def _print(self, *cells):
        padded = [cell.ljust(width) for cell, width in zip(cells, WIDTHS)]
        print("  ".join([*padded, cells[3]]).rstrip(), file=self.out, flush=True)

    def add(self, result, step, sent="", came="", why=""):
        self.count[result] += 1
        self.rows.append((result, step, one_line(sent), one_line(came), one_line(why)))
        words = WORDS[result] + (f": {one_line(why)}" if why else "")
        self._print(step, one_line(sent) or "-", one_line(came) or "-", words)

    def worked(self, step, sent="", came="", why=""):
        self.add("worked", step, sent, came, why)

    def failed(self, step, sent, came, why):
        self.add("failed", step, sent, came, why)

    def skipped(self, step, why):
        self.add("skipped", step, why=why)

    def close(self):
        print(f"{self.count['worked']} passed, {self.count['failed']} failed, {self.count['skipped']} skipped", file=self.out, flush=True)
        return 1 if self.count["failed"] or not self.count["worked"] else 0
