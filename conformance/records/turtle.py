"""Reads Turtle (RDF 1.1 Turtle, W3C 2014) into triples, strictly: what an export may hold, and nothing else.

`read(text)` returns (subject, predicate, object, line) for each triple. An IRI is a text, a blank node a text that begins with
`_:`, a literal a tuple (text, datatype or language).
"""
import re

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"

_LOCAL = r"(?:[\w:]|%[0-9A-Fa-f]{2}|\\[_~.!$&'()*+,;=/?#@%-])"
_TOKEN = re.compile(rf"""
    (?P<skip>[ \t\r\n]+|\#[^\n]*)
  | (?P<iri><[^\x00-\x20<>"{{}}|^`\\]*>)
  | (?P<long>\"\"\"(?:\"{{0,2}}(?:[^"\\]|\\.))*\"\"\")
  | (?P<text>"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
  | (?P<at>@[a-zA-Z]+(?:-[a-zA-Z0-9]+)*)
  | (?P<caret>\^\^)
  | (?P<blank>_:\w(?:[\w.-]*[\w-])?)
  | (?P<name>(?:[A-Za-z](?:[\w.-]*[\w-])?)?:(?:{_LOCAL}(?:(?:{_LOCAL}|[.-])*(?:{_LOCAL}|-))?)?)
  | (?P<number>[+-]?(?:\d+(?:\.\d*)?[eE][+-]?\d+|\d*\.\d+|\d+))
  | (?P<word>[A-Za-z]+)
  | (?P<mark>[.;,\[\]()])
""", re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_PLAIN = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


class TurtleError(ValueError):
    def __init__(self, line, what):
        super().__init__(what)
        self.line = line


class _Reader:
    def __init__(self, text):
        self.triples = []
        self.prefixes = {}
        self.base = ""
        self.blanks = 0
        self.tokens = []
        at, line = 0, 1
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise TurtleError(line, f"this cannot be read: {text[at:at + 20]!r}")
            if found.lastgroup != "skip":
                self.tokens.append((found.lastgroup, found.group(), line))
            line += found.group().count("\n")
            at = found.end()
        self.tokens.append(("end", "", line))
        self.at = 0

    def kind(self):
        return self.tokens[self.at][0]

    def line(self):
        return self.tokens[self.at][2]

    def is_mark(self, mark):
        return self.tokens[self.at][:2] == ("mark", mark)

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expect(self, mark):
        if not self.is_mark(mark):
            raise TurtleError(self.line(), f"`{mark}` was expected, not `{self.tokens[self.at][1]}`")
        self.take()

    def document(self):
        while self.kind() != "end":
            word = self.tokens[self.at][1]
            if self.kind() in ("at", "word") and word.lower().lstrip("@") in ("prefix", "base"):
                self.directive(self.take())
                continue
            is_bare = self.is_mark("[")
            subject = self.node()
            if isinstance(subject, tuple):
                raise TurtleError(self.line(), "a literal cannot be what a statement is about")
            if not (is_bare and self.is_mark(".")):
                self.predicates(subject)
            self.expect(".")

    def directive(self, word):
        if word.lower().endswith("prefix"):
            name = self.take()
            if not name.endswith(":"):
                raise TurtleError(self.line(), f"`{name}` is no prefix")
            self.prefixes[name[:-1]] = self.iri()
        else:
            self.base = self.iri()
        if word.startswith("@"):
            self.expect(".")

    def predicates(self, subject):
        while True:
            line = self.line()
            if self.tokens[self.at][:2] == ("word", "a"):
                self.take()
                predicate = RDF + "type"
            else:
                predicate = self.iri()
            while True:
                self.triples.append((subject, predicate, self.node(), line))
                if not self.is_mark(","):
                    break
                self.take()
            while self.is_mark(";"):
                self.take()
                if self.is_mark(".") or self.is_mark("]"):
                    return
                if not self.is_mark(";"):
                    break
            else:
                return

    def iri(self):
        kind, word, line = self.tokens[self.at]
        if kind == "iri":
            self.take()
            return word[1:-1] if ":" in word or not self.base else self.base + word[1:-1]
        if kind != "name":
            raise TurtleError(line, f"an IRI was expected, not `{word}`")
        prefix, local = word.split(":", 1)
        if prefix not in self.prefixes:
            raise TurtleError(line, f"the prefix `{prefix}:` is not declared")
        self.take()
        return self.prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)

    def new_blank(self):
        self.blanks += 1
        return f"_:of-line-{self.line()}-{self.blanks}"

    def node(self):
        kind, word, line = self.tokens[self.at]
        if kind in ("text", "long"):
            return self.literal(line)
        if kind == "number":
            name = "double" if "e" in word.lower() else "decimal" if "." in word else "integer"
            return self.take(), XSD + name
        if kind == "word" and word in ("true", "false"):
            return self.take(), XSD + "boolean"
        if kind == "blank":
            return self.take()
        if self.is_mark("["):
            blank = self.new_blank()
            self.take()
            if not self.is_mark("]"):
                self.predicates(blank)
            self.expect("]")
            return blank
        if self.is_mark("("):
            return self.collection()
        return self.iri()

    def collection(self):
        line = self.line()
        self.take()
        members = []
        while not self.is_mark(")"):
            members.append(self.node())
        self.take()
        rest = RDF + "nil"
        for member in reversed(members):
            blank = self.new_blank()
            self.triples += [(blank, RDF + "first", member, line), (blank, RDF + "rest", rest, line)]
            rest = blank
        return rest

    def literal(self, line):
        kind, word, _ = self.tokens[self.at]
        self.take()

        def plain(found):
            code = found[1]
            if len(code) > 1:
                return chr(int(code[1:], 16))
            if code not in _PLAIN:
                raise TurtleError(line, f"`\\{code}` is no escape")
            return _PLAIN[code]

        value = _ESCAPE.sub(plain, word[3:-3] if kind == "long" else word[1:-1])
        if self.kind() == "caret":
            self.take()
            return value, self.iri()
        if self.kind() == "at":
            return value, self.take()
        return value, XSD + "string"


def read(text):
    reader = _Reader(text)
    reader.document()
    return reader.triples
