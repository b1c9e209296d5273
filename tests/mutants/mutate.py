"""Makes mutants of the device code of CUDA sources: every place that a rule fits, nothing picked by hand.

usage: mutate.py ROOT OUT FILE... -- COMPILER-OPTION...

Writes each FILE (relative to ROOT) to OUT with its mutants in it, to be chosen while the program runs
(mutant.h), and their table to OUT/mutants.json. Operands are passed on, never written twice.
"""

import json
import multiprocessing
import os
import re
import sys

from clang.cindex import CursorKind as Kind
from clang.cindex import Index, TranslationUnit, TypeKind

COMPARISONS = {"<": ("less", "<=", ">="), "<=": ("less_equal", "<", ">"), ">": ("greater", ">=", "<="),
               ">=": ("greater_equal", ">", "<"), "==": ("equal", None, "!="), "!=": ("not_equal", None, "==")}
ARITHMETIC = {"+": ("plus", "-"), "-": ("minus", "+"), "*": ("times", "/"), "/": ("over", "*"), "%": ("rest", "*")}
COMPOUND = {"+=": ("add", "-="), "-=": ("subtract", "+="), "*=": ("multiply", "/="), "/=": ("divide", "*=")}
PARTNERS = {"threadIdx": "blockIdx", "blockIdx": "threadIdx", "blockDim": "gridDim", "gridDim": "blockDim"}
FUNCTIONS = {Kind.FUNCTION_DECL, Kind.FUNCTION_TEMPLATE, Kind.CXX_METHOD, Kind.CONSTRUCTOR}
CLOSED = {Kind.DECL_REF_EXPR, Kind.TYPE_REF, Kind.TEMPLATE_REF, Kind.PARM_DECL, Kind.OVERLOADED_DECL_REF,
          Kind.STATIC_ASSERT, Kind.CXX_BOOL_LITERAL_EXPR}
ARRAYS = {TypeKind.CONSTANTARRAY, TypeKind.DEPENDENTSIZEDARRAY}
FLOATS = {TypeKind.FLOAT, TypeKind.DOUBLE}
INTEGERS = {TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.UCHAR}


def kind_of(cursor):
    return cursor.type.get_canonical().kind


def inner(cursor):
    """The expression without what the compiler puts around it."""
    while cursor.kind in (Kind.UNEXPOSED_EXPR, Kind.PAREN_EXPR):
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


class Source:
    def __init__(self, root, name, options):
        self.name = name
        self.path = os.path.join(root, name)
        with open(self.path, encoding="utf-8") as file:
            self.text = file.read()
        if not self.text.isascii():
            sys.exit(f"{name} is not ASCII: offsets would be wrong")
        self.unit = Index.create().parse(self.path, args=["-x", "c++", *options],
                                         options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        errors = [str(d) for d in self.unit.diagnostics if d.severity >= 3]
        if errors:
            sys.exit("\n".join(errors))
        self.mutants, self.openings, self.closings, self.replaced, self.seen = [], [], [], [], set()
        self.function = ""
        here = [c for c in self.unit.cursor.get_children() if self.is_here(c)]
        self.macros = [(c.extent.start.offset, c.extent.end.offset) for c in here
                       if c.kind == Kind.MACRO_INSTANTIATION]
        for cursor in here:
            self.find_functions(cursor)

    def is_here(self, cursor):
        return cursor.location.file is not None and cursor.location.file.name == self.path

    def of(self, cursor):
        return self.text[cursor.extent.start.offset:cursor.extent.end.offset]

    # Edits. An id is written as \0 and its place in the file's list until all files' are known.

    def mutant(self, cursor, category, before, after):
        self.mutants.append({"category": category, "file": self.name, "line": cursor.extent.start.line,
                             "column": cursor.extent.start.column, "function": self.function,
                             "before": " ".join(before.split()), "after": " ".join(after.split())})
        return f"\0{len(self.mutants) - 1}\0"

    def mutants_of(self, cursor, *changes):
        """Mutants with numbers that follow one another; the first one's."""
        return [self.mutant(cursor, category, self.of(cursor), after) for category, after in changes][0]

    def wrap(self, cursor, before, after=")"):
        self.openings.append((cursor.extent.start.offset, before))
        self.closings.append((cursor.extent.end.offset, after))

    def mutated(self):
        # At one place inner ends come before outer ones, ends before begins, outer begins before inner ones.
        edits = [(at, 0, -i, at, text) for i, (at, text) in enumerate(self.closings)]
        edits += [(at, 1, i, at, text) for i, (at, text) in enumerate(self.openings)]
        edits += [(at, 2, 0, end, text) for at, end, text in self.replaced]
        result, last = [], 0
        for at, _, _, end, text in sorted(edits):
            result += [self.text[last:at], text]
            last = end
        return "".join(result) + self.text[last:]

    # Where mutants may be.

    def find_functions(self, cursor):
        if cursor.kind in FUNCTIONS:
            body = [c for c in cursor.get_children() if c.kind == Kind.COMPOUND_STMT]
            begin = max(self.text.rfind(mark, 0, cursor.extent.start.offset) for mark in ";{}") + 1
            head = self.text[begin:body[0].extent.start.offset if body else begin]
            if "__global__" in head or "__device__" in head:
                self.function = cursor.spelling
                self.barriers(body[0])
                for child in cursor.get_children():
                    self.visit(child, cursor)
            return
        for child in cursor.get_children():
            self.find_functions(child)

    def barriers(self, body):
        begin, end = body.extent.start.offset, body.extent.end.offset
        for start, stop in self.macros:
            text = self.text[start:stop]
            if not begin <= start < end or not re.match(r"__sync(threads|warp)", text):
                continue
            where = TranslationUnit.get_extent(self.unit, self.path, (start, stop))
            number = self.mutant(type("Place", (), {"extent": where}), "barrier", text, "nothing")
            predicate = re.match(r"__syncthreads_(?:or|and)\((.*)\)", text)
            alone = f"(::mutant::on({number}) ? static_cast<int>({predicate[1]}) : {text})" if predicate else (
                f"(::mutant::on({number}) ? void() : {text})")
            self.replaced.append((start, stop, alone))

    def visit(self, cursor, parent):
        key = (cursor.kind, cursor.extent.start.offset, cursor.extent.end.offset)
        if cursor.kind in CLOSED and cursor.kind != Kind.DECL_REF_EXPR or self.in_macro(cursor):
            return
        if cursor.kind.is_expression() and cursor.kind != Kind.UNEXPOSED_EXPR:
            if key in self.seen:
                return
            self.seen.add(key)
        children = list(cursor.get_children())
        method = getattr(self, "rule_" + cursor.kind.name.lower(), None)
        if method:
            children = method(cursor, children, parent)
        for child in children:
            self.visit(child, cursor)

    def in_macro(self, cursor):
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        return cursor.kind != Kind.COMPOUND_STMT and any(a <= start and end <= b for a, b in self.macros)

    # The rules: each writes its mutants and returns the children to go on with.

    def rule_binary_operator(self, cursor, children, parent):
        left, right = children
        begin, end = left.extent.end.offset, right.extent.start.offset
        operator = self.text[begin:end].strip()

        def call(function, number):
            self.wrap(cursor, f"::mutant::{function}({number}, ")
            self.replaced.append((begin, end, ", "))

        texts = (self.of(left), self.of(right))
        if operator in COMPARISONS:
            function, boundary, negated = COMPARISONS[operator]
            category = "operator" if kind_of(left) in FLOATS else "bounds"
            changes = [(category, f" {boundary} ".join(texts))] if boundary else []
            call(function, self.mutants_of(cursor, *changes, ("operator", f" {negated} ".join(texts))))
        elif operator in ARITHMETIC and kind_of(right) != TypeKind.POINTER:
            function, other = ARITHMETIC[operator]
            call(function, self.mutants_of(cursor, ("operator", f" {other} ".join(texts))))
        elif operator in ("&&", "||"):
            for child in children:
                if operator_of(self, inner(child)) != operator or child.kind == Kind.PAREN_EXPR:
                    self.drop(child, operator)
        elif operator == "=":
            call("assign", self.mutants_of(cursor, ("operator", "nothing")))
            self.value(right, True)
        return children

    def drop(self, part, operator):
        """One part of a conjunction or disjunction that counts no longer."""
        always = "true" if operator == "&&" else "false"
        number = self.mutants_of(part, ("bounds" if operator == "&&" else "operator", always))
        self.wrap(part, f"(::mutant::on({number}) || (" if operator == "&&" else f"(!::mutant::on({number}) && (", "))")

    def value(self, right, negated):
        """What is stored: one more, and the negative."""
        if kind_of(right) in FLOATS | INTEGERS and inner(right).kind != Kind.INTEGER_LITERAL:
            changes = [("constant", self.of(right) + " + 1")]
            changes += [("operator", f"-({self.of(right)})")] if negated else []
            number = self.mutants_of(right, *changes)
            self.wrap(right, f"::mutant::value({number}, {len(changes)}, ")

    def rule_compound_assignment_operator(self, cursor, children, parent):
        left, right = children
        begin, end = left.extent.end.offset, right.extent.start.offset
        function, other = COMPOUND[self.text[begin:end].strip()]
        number = self.mutants_of(cursor, ("operator", f"{self.of(left)} {other} {self.of(right)}"))
        self.wrap(cursor, f"::mutant::{function}({number}, ")
        self.replaced.append((begin, end, ", "))
        if parent.kind != Kind.FOR_STMT:
            self.value(right, False)
        return children

    def rule_unary_operator(self, cursor, children, parent):
        if not self.of(cursor).startswith("-") or self.of(cursor).startswith("--"):
            return children
        number = self.mutants_of(cursor, ("operator", self.of(children[0])))
        self.wrap(cursor, f"::mutant::negative({number}, ")
        self.replaced.append((cursor.extent.start.offset, children[0].extent.start.offset, ""))
        return [] if inner(children[0]).kind in (Kind.INTEGER_LITERAL, Kind.FLOATING_LITERAL) else children

    def rule_array_subscript_expr(self, cursor, children, parent):
        base, index = children
        changes = [("off_by_one", f"{self.of(base)}[{self.of(index)} {sign} 1]") for sign in "+-"]
        if parent.kind == Kind.UNEXPOSED_EXPR and kind_of(cursor) in FLOATS:
            number = self.mutants_of(cursor, ("operator", "-" + self.of(cursor)))
            self.wrap(cursor, f"::mutant::sign({number}, ")
        self.wrap(index, f"::mutant::shifted({self.mutants_of(cursor, *changes)}, ")
        return children

    def rule_member_ref_expr(self, cursor, children, parent):
        match = re.fullmatch(r"(threadIdx|blockIdx|blockDim|gridDim)\.([xyz])", self.of(cursor))
        if not match:
            return children
        axis = {"x": "y"}.get(match[2], "x")
        others = [f"{match[1]}.{axis}", f"{PARTNERS[match[1]]}.{match[2]}"]
        number = self.mutants_of(cursor, *[("index", other) for other in others])
        self.wrap(cursor, f"::mutant::pick({number}, ", f", {others[0]}, {others[1]})")
        return []

    def more(self, cursor):
        number = self.mutants_of(cursor, ("constant", f"{self.of(cursor)} + 1"))
        self.wrap(cursor, f"::mutant::more({number}, ")
        return []

    def rule_integer_literal(self, cursor, children, parent):
        return self.more(cursor)

    def rule_floating_literal(self, cursor, children, parent):
        return self.more(cursor)

    def rule_decl_ref_expr(self, cursor, children, parent):
        if re.fullmatch(r"k[A-Z]\w*", self.of(cursor)) and kind_of(cursor) in INTEGERS:
            self.more(cursor)
        return []

    def negate(self, condition):
        if inner(condition).kind != Kind.BINARY_OPERATOR and not self.in_macro(condition):
            number = self.mutants_of(condition, ("operator", f"!({self.of(condition)})"))
            self.wrap(condition, f"(::mutant::on({number}) != static_cast<bool>(", "))")

    def rule_if_stmt(self, cursor, children, parent):
        if self.of(cursor).startswith("if constexpr"):
            return children[1:]
        self.negate(children[0])
        return children

    def rule_conditional_operator(self, cursor, children, parent):
        self.negate(children[0])
        return children

    def rule_cxx_for_range_stmt(self, cursor, children, parent):
        """A loop over a range, `for (const int64_t i : grid_stride(n))`: its bounds."""
        for child in children:
            call = inner(child)
            if call.kind != Kind.CALL_EXPR or self.in_macro(call):
                continue
            for argument in call.get_arguments():
                if argument is not None and self.of(argument) and kind_of(argument) in INTEGERS:  # default: no text
                    changes = [("bounds", f"{self.of(argument)} {sign} 1") for sign in "+-"]
                    self.wrap(argument, f"::mutant::shifted({self.mutants_of(argument, *changes)}, ")
            break
        return children

    def rule_var_decl(self, cursor, children, parent):
        constant = re.match(r"(static )?constexpr", self.of(cursor)) or "constexpr" in self.of(parent).split("=")[0]
        return [] if constant or cursor.type.kind in ARRAYS else children

    def rule_call_expr(self, cursor, children, parent):
        """Template arguments of what is called are constants."""
        if children and children[0].extent.start.offset == cursor.extent.start.offset:
            callee = children[0]
            called = self.text[callee.extent.end.offset:].lstrip().startswith("(")
            if called and inner(callee).kind != Kind.MEMBER_REF_EXPR:
                return children[1:]
        return children


def operator_of(source, cursor):
    if cursor.kind != Kind.BINARY_OPERATOR:
        return None
    left, right = cursor.get_children()
    return source.text[left.extent.end.offset:right.extent.start.offset].strip()


def mutate(job):
    source = Source(*job)
    return source.name, source.mutated(), source.mutants


def main():
    root, out, *rest = sys.argv[1:]
    split = rest.index("--")
    with multiprocessing.Pool(2) as pool:
        sources = pool.map(mutate, [(root, name, rest[split + 1:]) for name in rest[:split]], chunksize=1)
    table = []
    for name, text, mutants in sources:
        first = len(table)
        text = re.sub("\0(\\d+)\0", lambda match, first=first: str(first + int(match[1])), text)
        table += mutants
        path = os.path.join(out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#line 1 "{name}"\n{text}')
    os.makedirs(os.path.join(out, "tests", "mutants"), exist_ok=True)
    with open(os.path.join(out, "mutants.json"), "w", encoding="utf-8") as file:
        json.dump(table, file, indent=0)
    with open(os.path.join(out, "tests", "mutants", "mutants.h"), "w", encoding="utf-8") as file:
        file.write(f"#pragma once\n\nconstexpr int kMutants = {len(table)};\n")


if __name__ == "__main__":
    main()
