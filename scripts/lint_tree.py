"""lint_tree: the source tree as the lint scripts see it.

A finding is a place, the check's name, what is wrong and a one-line remedy. A
file or function may be excused from a check by a line of
scripts/lint-exceptions: `check path[:function] reason`; a line that excuses
nothing is a finding itself.
"""
import os
import re
import subprocess

EXCEPTIONS = "scripts/lint-exceptions"
COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip(text):
    """C without comments, and with empty strings; lines stay where they were.
    Includes keep their names."""
    def blank(match):
        found = match[0]
        if found[0] in "\"'":
            at = text.rfind("\n", 0, match.start()) + 1
            if re.match(r"\s*#\s*include", text[at:match.start()]):
                return found
            return found[0] * 2
        return "\n" * found.count("\n") or " "
    return COMMENT_OR_STRING.sub(blank, text)


class Tree:
    """The files of a tree: those git knows, or all where there is no git."""

    def __init__(self, root):
        self.root = root
        self.findings = []
        self._text, self._code = {}, {}
        self._reasons = {}
        self.excused = self._read_exceptions()
        self.used = set()
        if os.path.exists(os.path.join(root, ".git")):
            out = subprocess.run(
                ["git", "-C", root, "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"], stdout=subprocess.PIPE, check=True)
            names = out.stdout.decode().split("\0")
        else:
            names = [os.path.relpath(os.path.join(d, f), root)
                     for d, _, files in os.walk(root) for f in files]
        self.files = sorted({n for n in names if n and
                             os.path.isfile(os.path.join(root, n))})

    def _read_exceptions(self):
        excused, path = {}, os.path.join(self.root, EXCEPTIONS)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                for n, line in enumerate(f, 1):
                    if line.strip() and not line.startswith("#"):
                        words = line.split(None, 2)
                        if len(words) < 3:
                            self.say(EXCEPTIONS, n, "exceptions",
                                     "no reason given", "say why")
                        else:
                            excused[words[0], words[1]] = n
                            self._reasons[words[0], words[1]] = words[2]
        return excused

    def text(self, name):
        if name not in self._text:
            with open(os.path.join(self.root, name), "rb") as f:
                self._text[name] = f.read().decode(errors="replace")
        return self._text[name]

    def code(self, name):
        if name not in self._code:
            self._code[name] = strip(self.text(name))
        return self._code[name]

    def code_lines(self, name):
        return enumerate(self.code(name).split("\n"), 1)

    def under(self, *folders, ext=(".c", ".h")):
        """Files of these folders; ("src",) or ("src/pool",)."""
        return [n for n in self.files
                if any(n.startswith(f + "/") for f in folders)
                and n.endswith(ext)]

    def exempt(self, check, what):
        self.used.add((check, what))
        return (check, what) in self.excused

    def reason(self, check, what):
        return self._reasons[check, what]

    def say(self, name, line, check, wrong, remedy):
        self.findings.append(
            (name, line, f"{name}:{line}: {check}: {wrong}; {remedy}"))

    def unused_exceptions(self, checks):
        for (check, what), line in self.excused.items():
            if check in checks and (check, what) not in self.used:
                self.say(EXCEPTIONS, line, "exceptions",
                         f"{what} no longer needs to be excused from {check}",
                         "remove the line")

    def report(self):
        for _, _, text in sorted(set(self.findings)):
            print(text)
        return 1 if self.findings else 0
