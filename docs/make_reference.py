"""A page for each part of the package: every public name, read from the source and never imported.

A parameter's comment is what stands behind it on its line; that of what is returned stands behind
the closing parenthesis. Public is what a module lists in `__all__`.
"""

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import NamedTuple

from make_nav import Chapter

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Field(NamedTuple):
    "A parameter, or a field of a class."

    name: str
    type: str
    default: str
    comment: str


class Module:
    "A module, as its text says it."

    def __init__(self, file: Path, package: Path):
        self.text = file.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self.name = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        self.doc = ast.get_docstring(self.tree) or ""
        self.comments, self.cells = read_comments(self.text)
        notebook = re.search(r"File to edit: (?:\.\./)+(nbs/\S+\.ipynb)\.", self.text)
        self.notebook = notebook[1] if notebook else ""

    @property
    def public(self) -> list[str]:
        "The names in `__all__`."
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                return list(ast.literal_eval(node.value))
        return []

    def find(self, name: str) -> ast.AST | None:
        "Where a name is defined, last definition first."
        for node in reversed(self.tree.body):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == name:
                return node
            if name in assigned(node):
                return node
        return None

    def source(self, node: ast.AST | None) -> str:
        "The text of a node in one line."
        return " ".join(ast.unparse(node).split()) if node is not None else ""

    def said(self, *nodes: ast.AST | None) -> str:
        "The comments on the lines of some nodes."
        there = [node for node in nodes if node is not None]
        lines = range(there[0].lineno, max(n.end_lineno for n in there) + 1)
        return " ".join(self.comments[line] for line in lines if line in self.comments)

    def cell_of(self, node: ast.AST) -> str:
        "The id of the cell that a node came from."
        above = [cell for line, cell in self.cells if line < node.lineno]
        return above[-1] if above else ""


def assigned(node: ast.AST) -> set[str]:
    "Names that a statement gives a value."
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    names = [
        t.elts if isinstance(t, (ast.Tuple, ast.List)) else [t] for t in targets if t is not None
    ]
    return {getattr(t, "id", "") for some in names for t in some}


def read_comments(text: str) -> tuple[dict[int, str], list[tuple[int, str]]]:
    "Comments by line; lines at which a cell begins, with its id."
    comments, cells = {}, []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        cell = re.fullmatch(r"# %% (?:\.\./)*nbs/\S+ #(\S+)", token.string)
        if cell:
            cells.append((token.start[0], cell[1]))
        elif token.line[: token.start[1]].strip():
            comments[token.start[0]] = token.string.lstrip("# ").strip()
    return comments, cells


def parameters(module: Module, node: ast.FunctionDef) -> list[Field]:
    "The parameters of a function, with their comments."
    given, found = node.args, []
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + given.defaults
    pairs = [*zip(plain, defaults, [""] * len(plain))]
    pairs += [(given.vararg, None, "*")] if given.vararg else []
    pairs += [*zip(given.kwonlyargs, given.kw_defaults, [""] * len(given.kwonlyargs))]
    pairs += [(given.kwarg, None, "**")] if given.kwarg else []
    for argument, default, stars in pairs:
        if argument.arg in ("self", "cls"):
            continue
        comment = module.said(argument, default) if not on_one_line(node) else ""
        found.append(
            Field(
                stars + argument.arg,
                module.source(argument.annotation),
                module.source(default),
                comment,
            )
        )
    return found


def on_one_line(node: ast.FunctionDef) -> bool:
    "Whether the head of a function is one line, whose comment speaks of what is returned."
    return head_end(node) == node.lineno


def head_end(node: ast.FunctionDef) -> int:
    "The last line of a function's head."
    given = node.args
    ends = [a.end_lineno for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    ends += [d.end_lineno for d in (*given.defaults, *given.kw_defaults) if d is not None]
    return max([node.lineno, *ends, *([node.returns.end_lineno] if node.returns else [])])


def returned(module: Module, node: ast.FunctionDef) -> Field | None:
    "What a function returns."
    if node.returns is None:
        return None
    return Field("returns", module.source(node.returns), "", module.said(node.returns))


def signature(module: Module, node: ast.FunctionDef) -> str:
    "A function's head in one line."
    head = ", ".join(
        f.name + (f"={f.default}" if f.default else "") for f in parameters(module, node)
    )
    back = f" -> {module.source(node.returns)}" if node.returns is not None else ""
    return f"{node.name}({head}){back}"


def fields_of(module: Module, node: ast.ClassDef) -> list[Field]:
    "What a class is made with: its annotated fields, or the parameters of its `__init__`."
    for part in node.body:
        if isinstance(part, FUNCTIONS) and part.name == "__init__":
            return parameters(module, part)
    return [
        Field(
            part.target.id,
            module.source(part.annotation),
            module.source(part.value),
            module.said(part),
        )
        for part in node.body
        if isinstance(part, ast.AnnAssign)
    ]


def escaped(text: str) -> str:
    "Text for a cell of a Markdown table; what stands between backticks stays code."
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        pieces = [text]
    for i, piece in enumerate(pieces):
        pieces[i] = code(piece) if i % 2 else re.sub(r"([|*_<>\[\]`\\])", r"\\\1", piece)
    return "".join(pieces)


def code(text: str) -> str:
    "Text as code, in a cell of a table too."
    if not text:
        return ""
    plain = (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
    )
    return f"<code>{plain}</code>"


def field_table(fields: list[Field], defaults: bool = True) -> list[str]:
    "A table of parameters."
    if not fields:
        return []
    rows = [
        f"| {code(f.name)} | {code(f.type)} | {code(f.default)} | {escaped(f.comment)} |"
        for f in fields
    ]
    return ["", "| name | type | default | what |", "|---|---|---|---|", *rows, ""]


def methods_of(module: Module, node: ast.ClassDef) -> list[str]:
    "The public methods and properties of a class, a line each."
    out = []
    for part in node.body:
        if not isinstance(part, FUNCTIONS) or part.name.startswith("_"):
            continue
        marks = {module.source(d) for d in part.decorator_list}
        is_value = bool(marks & {"property", "cached_property"})
        head = part.name if is_value else signature(module, part)
        out.append(f"- {code(head)}: {escaped(one_line(part))}")
    return ["", *out, ""] if out else []


def one_line(node: ast.AST) -> str:
    "The first line of a docstring."
    return (ast.get_docstring(node) or "").split("\n")[0]


def beginning(module: Module, node: ast.AST) -> str:
    "The first lines of a statement, as they are written."
    lines = ast.get_source_segment(module.text, node).splitlines()
    return "\n".join(lines[:6] + ["..."] * (len(lines) > 6))


def describe_name(module: Module, name: str, chapter: Chapter | None, up: str) -> list[str]:
    "A public name as Markdown."
    node = module.find(name)
    out = ["", f'### {name} {{ #{module.name}.{name} data-toc-label="{name}" }}', ""]
    if node is None:
        return [*out, "Defined elsewhere.", ""]
    if isinstance(node, FUNCTIONS):
        back = returned(module, node)
        out += ["```python", signature(module, node), "```", "", one_line(node)]
        out += field_table(parameters(module, node) + ([back] if back else []))
    elif isinstance(node, ast.ClassDef):
        bases = ", ".join(module.source(b) for b in node.bases)
        out += [
            "```python",
            f"class {name}({bases})" if bases else f"class {name}",
            "```",
            "",
            one_line(node),
        ]
        out += field_table(fields_of(module, node)) + methods_of(module, node)
    else:
        out += ["```python", beginning(module, node), "```", ""]
    if chapter:
        out += ["", f"[{chapter.label}]({up}{chapter.path}#cell-id={module.cell_of(node)})", ""]
    return out


def part_of(module: Module, chapters: dict[str, Chapter]) -> str:
    "The part of the site that a module belongs to."
    if module.notebook in chapters:
        return chapters[module.notebook].part or "Package"
    dotted = module.name.split(".")
    return dotted[1].capitalize() if len(dotted) > 2 else "Package"


def make_pages(root: Path, chapters: list[Chapter]) -> dict[str, str]:
    "Title of a part -> its page, in the order of the parts; only parts with public names."
    package, by_path = root / "adaroute", {c.path: c for c in chapters}
    modules = [Module(f, package) for f in sorted(package.rglob("*.py")) if f.name != "_modidx.py"]
    modules = [m for m in modules if m.public and not m.name.endswith("__init__")]
    order = {c.path: i for i, c in enumerate(chapters)}
    modules.sort(key=lambda m: (order.get(m.notebook, len(order)), m.name))
    pages = {}
    for module in modules:
        pages.setdefault(part_of(module, by_path), []).append(module)
    return {part: write_page(part, own, by_path) for part, own in pages.items()}


def write_page(part: str, modules: list[Module], chapters: dict[str, Chapter]) -> str:
    "All modules of a part."
    names = sum(len(m.public) for m in modules)
    out = [
        f"# {part}: reference",
        "",
        f"{names} public names in {len(modules)} modules. "
        "Each links to the cell that defines it, where an example stands beside it.",
        "",
    ]
    for module in modules:
        out += ["", f"## {module.name} {{ #{module.name} }}", "", module.doc, ""]
        for name in module.public:
            out += describe_name(module, name, chapters.get(module.notebook), "../")
    return "\n".join(out) + "\n"
