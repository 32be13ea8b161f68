"""Finding what students handed in: folders, single files, notebooks and zips as a learning platform exports them.

Nothing here runs student code. Whatever cannot be read becomes a sentence for that student; where that is the
machine's fault and not the student's, it is kept apart.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import stat
import unicodedata
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from grader.errors import InputError

MAX_BYTES = 1 << 20  # of one file: a notebook holds pictures, too
MAX_CODE = 1 << 16  # of a module's code: it has a few kilobytes, and its tree takes a thousand times the memory
MAX_FILES = 200  # of one student
MAX_SOURCES = 1 << 20  # of one student's modules in all
MAX_DEPTH = 32  # of a student's folders
MAX_DOTS = 200  # of one import: Python's parser keeps each beginning of a dotted name
MAX_SAID = 20  # sentences about one student's files
MAX_ZIP = 1 << 30  # of a zip's contents in all
MAX_WEIGHTS = 1 << 27  # of a model's trained weights
WEIGHTS = (".safetensors", ".pt")
SOURCES = (".py", ".ipynb")
SUFFIXES = (*SOURCES, *WEIGHTS)
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others unpack to any size before they can be stopped
IGNORED = {"__pycache__", "__MACOSX", "node_modules"}
NO_FILE = "no .py or .ipynb file was handed in"
INNER = "a student's zip is not unpacked: put its files into the student's folder"
BESIDE = "a zip beside the students' folders is not unpacked: unpack it into one, or move it away"
ALLOW = "Allow it, as with chmod -R a+rX on the folder, and run the command again."
_COMPUTED = object()  # in place of a value that only running the module can tell
_IMPORT = re.compile(rb"\b(?:import|from)\b[^\n;]*")
_MOODLE = re.compile(r"^(?P<name>.+?)_\d+_assignsubmission_\w+?_?$")


@dataclass(frozen=True)
class Module:
    """One file, read: its Python source, or the sentence that says why there is none.

    `names` are what its top level binds, with the line, and `signatures` the parameters of those that are plain
    functions, such as "x, w, stride=None". `variant` and `answers` are what it assigns to VARIANT
    and `answers` when these are literals; `answers` is None when only running the module can tell. Then `literals` are
    those of its entries that are written out, and `computed` names the others, with the line; both are empty where
    the entries cannot be told either.
    """

    path: str
    source: bytes = b""
    problem: str = ""
    unread: str = ""  # why the grader could not read it, which is not the student's fault
    names: dict[str, int] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    imports: dict[str, int] = field(default_factory=dict)
    variant: str | None = None
    answers: dict[str, object] | None = None
    literals: dict[str, object] = field(default_factory=dict)
    computed: dict[str, int] = field(default_factory=dict)
    binds_answers: bool = False
    weights: tuple[str, bytes] | None = None  # the file of trained weights beside it, and its bytes

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem


@dataclass(frozen=True)
class Submission:
    """All files of one student. `unread` is what of theirs the grader could not look into, and why."""

    student: str
    modules: tuple[Module, ...]
    problems: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def misnamed(self) -> bool:
        """Has the name bytes that are not UTF-8? Then nobody can tell who in a roster it is."""
        return re.search(r"\\x[89a-f][0-9a-f]", self.student) is not None


@dataclass(frozen=True)
class _File:
    """A file before it is read: whose it is, where, and its bytes or its problem, or why the machine has neither."""

    student: str
    path: str
    data: bytes = b""
    problem: str = ""
    unread: str = ""


def find_submissions(paths: Iterable[Path], known: Collection[str], *, without: Path | None = None) -> list[Submission]:
    """Return the submissions in the given folders, files and zips, sorted by student.

    `known` are the names of topics and functions, `without` is a folder that is not a student's: the report. A
    folder is a class unless all its files are called like topics or functions: then it is one student's.

    Raises:
        InputError: a path does not exist, is of no known kind, or holds nothing to grade.
    """
    found: dict[str, list[_File]] = {}
    held: Counter[tuple[str, int]] = Counter()
    for path in paths:
        try:
            for file in _files(path, known, without.resolve() if without else None):
                found.setdefault(file.student, []).append(_within(file, held))
        except PermissionError as error:
            place = _told(str(error.filename or path))
            raise InputError(f"{place}: the grader may not read it", hint=ALLOW) from None
    if not found:
        places = ", ".join(str(path) for path in paths)
        raise InputError(f"{places}: nothing to grade", hint="Expected folders of students with .py or .ipynb files.")
    return [_submission(student, files) for student, files in sorted(found.items())]


def read_module(path: str, data: bytes) -> Module:
    """Return a module from a file's bytes, with its problem when it is not Python, not UTF-8 or a broken notebook."""
    if path.endswith(".ipynb"):
        data, problem = _notebook(data)
        if problem:
            return Module(path, problem=f"{path}: {problem}")
    problem = _encoding_problem(data) or _excess(data)
    if problem:
        return Module(path, problem=f"{path}: {problem}")
    try:
        return _described(path, data, _parse(data))
    except SyntaxError as error:
        return Module(path, problem=f"{path}: line {error.lineno or 1}: not Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        return Module(path, problem=f"{path}: not Python: nested too deeply")


def _parse(data: bytes) -> ast.Module:
    """Return the tree of what a student's process will run: it takes the text for UTF-8, whatever the text says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in student code is not ours to print
        return ast.parse(data.decode("utf-8-sig"))


def _excess(data: bytes) -> str:
    """Say what of a module would cost the grader more than a module may; nothing for any that is written by hand."""
    if len(data) > MAX_CODE:
        return f"more than {MAX_CODE >> 10} KB of code"
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\\\n", b" ")
    if any(found.count(b".") > MAX_DOTS for found in _IMPORT.findall(lines)):
        return "not Python: an import of a name with hundreds of dots"
    return ""


def _described(path: str, data: bytes, tree: ast.Module) -> Module:
    names, imports = _bindings(tree), _imports(tree)
    variant = _literal(_assigned(tree, "VARIANT"))
    entries = _assigned(tree, "answers")
    answers = _literal(entries)
    literals, computed = _entries(entries) if not isinstance(answers, dict) else ({}, {})
    return Module(
        path,
        source=data,
        names=names,
        signatures=_signatures(tree, names),
        imports=imports,
        variant=variant if isinstance(variant, str) else ("" if "VARIANT" in names else None),
        answers=answers if isinstance(answers, dict) else None,
        literals=literals,
        computed=computed,
        binds_answers="answers" in names,
    )


def _encoding_problem(data: bytes) -> str:
    if not data.strip():
        return "the file is empty"
    if b"\0" in data:
        return "not a text file: it holds zero bytes. Save it as UTF-8"
    for number, line in enumerate(data.split(b"\n", 2)[:2], start=1):
        cookie = re.match(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line)
        if cookie and cookie[1].lower().replace(b"_", b"-") not in (
            b"utf-8",
            b"utf8",
            b"ascii",
            b"us-ascii",
            b"utf-8-sig",
        ):
            return f"line {number}: the encoding {cookie[1].decode()} is not accepted; save the file as UTF-8"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line_number = data[: error.start].count(b"\n") + 1
        return f"line {line_number}: not UTF-8; save the file as UTF-8"
    return ""


def _notebook(data: bytes) -> tuple[bytes, str]:
    """Return the code cells of a notebook as one module, without magics and shell lines."""
    try:
        document = json.loads(data.decode("utf-8"))
        cells = document["cells"]
        sources = [_cell(cell) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return b"", "not a notebook: save it again from Jupyter"
    return "\n\n".join(sources).encode("utf-8", "surrogatepass"), "" if sources else "the notebook has no code cell"


def _cell(cell: dict[str, Any]) -> str:
    """Return a cell's lines; magics and shell lines become `pass`, so that blocks stay whole."""
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    lines = text.split("\n")
    if lines[0].lstrip().startswith("%%"):
        if lines[0].split()[0] not in ("%%time", "%%timeit", "%%capture"):
            return ""
        lines = lines[1:]
    return "\n".join(re.sub(r"^(\s*)[%!?].*$", r"\1pass", line) for line in lines)


def _bindings(tree: ast.Module) -> dict[str, int]:
    """Return the names that the top level binds, also inside if, try and with, and the last line of each."""
    names: dict[str, int] = {}
    for node in _top_level(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update({(a.asname or a.name).split(".")[0]: node.lineno for a in node.names})
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names.update({n.id: node.lineno for n in ast.walk(target) if isinstance(n, ast.Name)})
    return names


def _signatures(tree: ast.Module, names: dict[str, int]) -> dict[str, str]:
    """Return the parameters of functions; none where a decorator or a later binding may have changed them."""
    functions = [node for node in _top_level(tree.body) if isinstance(node, ast.FunctionDef)]
    plain = [node for node in functions if names[node.name] == node.lineno and not node.decorator_list]
    return {node.name: ast.unparse(_bare(node.args)) for node in plain}


def _bare(given: ast.arguments) -> ast.arguments:
    """Return parameters without annotations, and with None for every default: either may be of any depth."""
    none = ast.Constant(None)
    return ast.arguments(
        posonlyargs=[ast.arg(a.arg) for a in given.posonlyargs],
        args=[ast.arg(a.arg) for a in given.args],
        vararg=given.vararg and ast.arg(given.vararg.arg),
        kwonlyargs=[ast.arg(a.arg) for a in given.kwonlyargs],
        kw_defaults=[value and none for value in given.kw_defaults],
        kwarg=given.kwarg and ast.arg(given.kwarg.arg),
        defaults=[none for _ in given.defaults],
    )


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _top_level(handler.body)


def _imports(tree: ast.Module) -> dict[str, int]:
    """Return the top-level packages imported anywhere in the module, with the first line of each."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name.split(".")[0], node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.setdefault(node.module.split(".")[0], node.lineno)
    return found


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """Return what is assigned to a name, when it is assigned once and never mentioned again; else None."""
    mentions = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    for node in tree.body:
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            continue
        if len(mentions) == 1 and mentions[0] in targets:
            return node.value
    return None


def _literal(node: ast.expr | None) -> object:
    """Return the value of a literal; of anything else _COMPUTED."""
    try:
        return ast.literal_eval(node) if node is not None else _COMPUTED
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return _COMPUTED


def _entries(node: ast.expr | None) -> tuple[dict[str, object], dict[str, int]]:
    """Return the entries of a dict that are literals, and the names of the others with their lines.

    Both are empty where not every key is written out, and once: only Python can tell then what counts.
    """
    pairs = list(zip(node.keys, node.values, strict=True)) if isinstance(node, ast.Dict) else []
    names = [key.value for key, _ in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    if len(set(names)) < len(pairs):
        return {}, {}
    values = {name: (_literal(value), value.lineno) for name, (_, value) in zip(names, pairs, strict=True)}
    literals = {name: value for name, (value, _) in values.items() if value is not _COMPUTED}
    return literals, {name: line for name, (_, line) in values.items() if name not in literals}


def _submission(student: str, files: list[_File]) -> Submission:
    problems = [file.problem for file in files if file.problem]
    weights = {PurePosixPath(file.path): file for file in files if file.path.endswith(WEIGHTS) and not file.problem}
    sources = [file for file in files if file.path.endswith(SOURCES) and not file.problem]
    if len(sources) > MAX_FILES:
        problems.append(f"{len(sources)} files: only the first {MAX_FILES} were read")
    modules = tuple(_with_weights(_module(file), weights) for file in sources[:MAX_FILES])
    if weights and not modules:
        problems.append(f"{next(iter(weights))}: weights without the module that builds their model")
    folders = [file.unread for file in files if file.unread and not file.path.endswith(SUFFIXES)]
    return Submission(student, modules, _few(problems), _few(folders))


def _few(sentences: list[str]) -> tuple[str, ...]:
    """Return sentences, and for those after the first ones how many they are."""
    more = len(sentences) - MAX_SAID
    return (*sentences[:MAX_SAID], *([f"the same, or the like, of {more} more"] if more > 0 else ()))


def _within(file: _File, held: Counter[tuple[str, int]]) -> _File:
    """Return a file without its bytes where those of all the student's files of the kind are too many to be held."""
    most = MAX_WEIGHTS if file.path.endswith(WEIGHTS) else MAX_SOURCES
    place = file.student, most
    if held[place] + len(file.data) > most:
        problem = f"{file.path}: not read: with it, the files handed in are larger than {most >> 20} MB in all"
        return replace(file, data=b"", problem=problem)
    held[place] += len(file.data)
    return file


def _module(file: _File) -> Module:
    return Module(file.path, unread=file.unread) if file.unread else read_module(file.path, file.data)


def _with_weights(module: Module, weights: Mapping[PurePosixPath, _File]) -> Module:
    """Add the weights handed in beside a module: those called after it, else those called weights."""
    here = PurePosixPath(module.path).parent
    for stem in (module.stem, "weights"):
        for suffix in WEIGHTS:
            if file := weights.get(here / f"{stem}{suffix}"):
                return replace(module, weights=(file.path, file.data), unread=module.unread or file.unread)
    return module


def _files(path: Path, known: Collection[str], without: Path | None) -> Iterator[_File]:
    if path.is_dir():
        yield from _folder(path, known, without)
    elif path.suffix == ".zip" and path.is_file():
        yield from _zip(path, known)
    elif path.suffix in SUFFIXES and path.is_file():
        owner = path.parent.resolve().name if path.stem in known else path.stem
        yield _load(_student(owner), path, _told(path.name))
    elif path.exists():
        raise InputError(f"{path}: not something to grade", hint="Expected a folder, a .py or .ipynb file, or a zip.")
    else:
        raise InputError(f"{path}: no such file or folder")


def _folder(folder: Path, known: Collection[str], without: Path | None) -> Iterator[_File]:
    entries = [entry for entry in sorted(folder.iterdir()) if not _ignored(entry.name)]
    files = [entry for entry in entries if entry.suffix in SUFFIXES and not entry.is_dir()]
    folders = [entry for entry in entries if entry.is_dir() and entry.resolve() != without]
    if files and not folders and all(_known(file, known) for file in files):
        yield from (_load(_student(folder.resolve().name), file, _told(file.name)) for file in files)
        return
    for file in files:
        yield _load(_student(file.stem), file, _told(file.name))
    for inner in folders:
        yield from _student_folder(inner)
    read = {_student(file.stem) for file in files} | {_student(inner.name) for inner in folders}
    for entry in entries:
        if entry.suffix == ".zip" and not entry.is_dir() and _student(entry.stem) not in read:
            yield _File(_student(entry.stem), "", problem=f"{_told(entry.name)}: {BESIDE}")


def _student_folder(folder: Path) -> Iterator[_File]:
    """Yield a student's files, also in folders of theirs; one without any is a sentence of its own."""
    student = _student(folder.name)
    if folder.is_symlink():
        yield _File(student, "", problem="the folder is a link, which is not followed; hand in the folder itself")
        return
    closed: list[OSError] = []
    files: list[Path] = []
    packed: list[str] = []
    too_deep = 0
    for place, folders, names in os.walk(folder, onerror=closed.append):
        deep = len(Path(place).relative_to(folder).parts) >= MAX_DEPTH  # os.walk itself goes only as deep as Python
        kept = [name for name in folders if not _ignored(name)]
        folders[:] = [] if deep else kept
        too_deep += deep and len(kept)
        files += [Path(place, name) for name in names if not _ignored(name) and name.endswith(SUFFIXES)]
        packed += [f"{_told(name)}: {INNER}" for name in names if not _ignored(name) and name.endswith(".zip")]
    for error in closed:
        inner = _told(Path(error.filename).relative_to(folder).as_posix())
        shown = "the folder" if inner == "." else f"{inner}/"
        yield _File(student, shown, unread=f"{shown}: {_unread(error)}")
    if too_deep:
        yield _File(student, "", problem=f"folders inside more than {MAX_DEPTH} others were not looked into")
    if not files and not closed and not too_deep:
        yield _File(student, "", problem=packed[0] if packed else NO_FILE)
    for file in sorted(files):
        yield _load(student, file, _told(file.relative_to(folder).as_posix()))


def _load(student: str, path: Path, shown: str) -> _File:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return _File(student, shown, problem=f"{shown}: a link is not followed; hand in the file itself")
        if not stat.S_ISREG(status.st_mode):
            return _File(student, shown, problem=f"{shown}: not a file")
        if status.st_size > _largest(shown):
            return _File(student, shown, problem=f"{shown}: larger than {_largest(shown) >> 20} MB")
        return _File(student, shown, path.read_bytes())
    except OSError as error:
        return _File(student, shown, unread=f"{shown}: {_unread(error)}")


def _unread(error: OSError) -> str:
    """Say why the machine did not let the grader read something, and what to do."""
    if isinstance(error, PermissionError):
        return f"the grader may not read it. {ALLOW}"
    return f"it could not be read: {error.strerror}. Run the command again."


def _zip(path: Path, known: Collection[str]) -> Iterator[_File]:
    """Yield the files of a zip, read in memory; a single top folder around everything is left out."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, NotImplementedError) as error:
        raise InputError(f"{path}: not a readable zip: {error}") from None
    with archive:
        members = [(info, _place(info)) for info in archive.infolist() if not info.is_dir()]
        wanted = [(info, place.parts) for info, place in members if _wanted(place)]
        if sum(info.file_size for info, _ in wanted) > MAX_ZIP:
            raise InputError(f"{path}: unpacks to more than {MAX_ZIP >> 30} GB")
        above = 1 if len({parts[0] for _, parts in wanted}) == 1 and any(len(parts) > 2 for _, parts in wanted) else 0
        places = [(info, parts[above:]) for info, parts in wanted]
        alone = all(len(parts) == 1 and _known(PurePosixPath(parts[0]), known) for _, parts in places)
        owners = set()
        for info, parts in sorted(places, key=lambda place: place[1]):
            owner = path.stem if alone else _owner(parts)
            owners.add(owner)
            yield _unzip(archive, info, _student(owner), "/".join(parts[1:] or parts))
        if not alone or not places:
            yield from _unreadable([place.parts[above:] for _, place in members], owners)


def _owner(parts: tuple[str, ...]) -> str:
    """Return what a file's student is called in a class's zip: as the folder around it, or else as the file."""
    return parts[0] if len(parts) > 1 else PurePosixPath(parts[0]).stem


def _unreadable(places: Iterable[tuple[str, ...]], owners: set[str]) -> Iterator[_File]:
    """Yield a sentence for each student of whose files in a class's zip none can be read."""
    problems: dict[str, str] = {}
    for parts in sorted(places):
        if not parts or any(map(_ignored, parts)):
            continue
        owner = _owner(parts)
        if owner in owners:
            continue
        if parts[-1].endswith(".zip"):
            problems[owner] = f"{parts[-1]}: {INNER}"
        elif len(parts) > 1 and _MOODLE.fullmatch(owner):
            problems.setdefault(owner, NO_FILE)
    for owner, problem in problems.items():
        yield _File(_student(owner), "", problem=problem)


def _place(info: zipfile.ZipInfo) -> PurePosixPath:
    """Return where in a zip a file is; macOS writes names in UTF-8 and does not say so, as the format asks for."""
    name = info.filename
    if not info.flag_bits & 0x800:  # not said to be UTF-8: Python took it for the code page of the first PCs
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return PurePosixPath(name)


def _known(path: PurePath, known: Collection[str]) -> bool:
    """Is this file called after a topic or function, or does it hold weights?"""
    return path.stem in known or path.suffix in WEIGHTS


def _largest(name: str) -> int:
    return MAX_WEIGHTS if name.endswith(WEIGHTS) else MAX_BYTES


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, student: str, shown: str) -> _File:
    largest = _largest(shown)
    if info.file_size > largest:
        return _File(student, shown, problem=f"{shown}: larger than {largest >> 20} MB")
    if info.compress_type not in PACKED:
        return _File(student, shown, problem=f"{shown}: cannot be unpacked: compressed as few programs do")
    try:
        with archive.open(info) as stream:
            data = stream.read(largest + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        return _File(student, shown, problem=f"{shown}: cannot be unpacked: {error or type(error).__name__}")
    if len(data) > largest:
        return _File(student, shown, problem=f"{shown}: larger than {largest >> 20} MB")
    return _File(student, shown, data)


def _wanted(path: PurePosixPath) -> bool:
    return path.suffix in SUFFIXES and not any(_ignored(part) for part in path.parts)


def _ignored(name: str) -> bool:
    return name in IGNORED or name.startswith(".")


def _student(name: str) -> str:
    """Return the student that a folder or file is called after; Moodle's suffix is dropped.

    >>> _student("Ada Lovelace_123456_assignsubmission_file_")
    'Ada Lovelace'
    """
    told = _told(name)
    match = _MOODLE.fullmatch(told)
    return unicodedata.normalize("NFC", match["name"] if match else told)


def _told(name: str) -> str:
    r"""Return a file system's name as text: a byte that is not UTF-8 as its escape, and no two names as one.

    Where the locale is not UTF-8, Python takes right names for such bytes too.

    >>> _told("J\udcf6rg"), _told("zo\udcc3\udcab"), _told(r"J\xf6rg")
    ('J\\xf6rg', 'zoë', 'J\\x5cxf6rg')
    """
    literal = re.sub(r"\\(?=x[0-9a-f]{2})", r"\\x5c", name)
    return literal.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
