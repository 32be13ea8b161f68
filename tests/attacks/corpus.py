"""Hostile modules as data: each defines `double(x)`, which should return 2 x, and what the grader must see instead.

An expectation is the name of an exception (a subclass of it does too), an outcome of a process that ended, "wrong"
(plain data that is not the right result), "junk", or "right" for what must not be punished. SECRET, WRITABLE and PORT
are the canaries: a file that must not be read, one that must not change, a listener that must not be reached.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """One module: its name, its source, and what may be seen of it."""

    name: str
    source: str
    expected: tuple[str, ...]


ATTACKS: list[Attack] = []


def attack(name: str, expected: str, source: str) -> None:
    """Add a module whose whole source is given."""
    ATTACKS.append(Attack(name, textwrap.dedent(source), tuple(expected.split())))


def inside(name: str, expected: str, body: str) -> None:
    """Add a module whose function has this body."""
    attack(
        name, expected, "import os, sys, numpy as np\ndef double(x):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    )


attack("control", "right", "def double(x):\n    return x * 2\n")

# Results that lie.
inside("none", "wrong", "return None")
inside("nan", "wrong", "return x * np.nan")
inside("empty", "wrong", "return x[:0]")
inside("scalar", "wrong", "return 7.0")
inside("broadcastable", "wrong", "return (x * 2)[:1]")
inside("text", "wrong", "return 'PASSED'")
inside("true", "wrong", "return True")
inside("score", "wrong", "return {'score': 1, 'ok': True, 'skip': True, 'outcome': 'correct'}")
inside("ragged", "wrong", "return [[1, 2], [3]]")
inside("complex", "wrong", "return x * 2j")
inside("objects", "junk", "return np.array([object()] * len(x))")
inside("generator", "junk", "return (2 * item for item in x)")
inside("self-holding", "wrong", "box = []\nbox.append(box)\nreturn box")
inside("doubling-tree", "wrong junk timeout", "box = []\nfor _ in range(31):\n    box = [box, box]\nreturn box")
inside("huge", "junk", "return np.zeros(5_000_000)")
inside("huge-broadcast", "junk", "return np.broadcast_to(0.0, (1 << 40,))")
inside("huge-integer", "junk", "return 1 << (1 << 22)")
inside("huge-text", "junk", "return 'x' * (8 << 20)")
inside("huge-list", "junk", "return [0] * 3_000_000")
inside(
    "always-equal",
    "junk",
    "class Yes:\n    def __eq__(self, other):\n        return True\n    __hash__ = None\nreturn Yes()",
)
inside(
    "equal-float",
    "junk",
    "class Yes(float):\n    def __eq__(self, other):\n        return True\n    __hash__ = None\nreturn Yes(1)",
)
inside(
    "array-subclass",
    "junk",
    """
    class Yes(np.ndarray):
        __class__ = np.ndarray
        def __eq__(self, other):
            return True
        __array_priority__ = 1e9
        __hash__ = None
    return (x * 3).view(Yes)
""",
)
inside("array-method", "junk", "class Late:\n    def __array__(self, *a, **k):\n        os._exit(0)\nreturn Late()")
inside(
    "looping-length", "junk", "class Loop(list):\n    def __len__(self):\n        while True: pass\nreturn Loop([1])"
)
inside(
    "raising-iterator", "junk", "class Bad(list):\n    def __iter__(self):\n        raise SystemExit\nreturn Bad([1])"
)
inside(
    "lying-class",
    "junk",
    "class Lie:\n    @property\n    def __class__(self):\n        return np.ndarray\nreturn Lie()",
)
inside(
    "evil-metaclass",
    "junk",
    """
    class Meta(type):
        def mro(cls):
            return [cls, object]
        def __getattribute__(cls, name):
            raise SystemExit(0)
    class Thing(metaclass=Meta):
        pass
    return Thing()
""",
)
inside(
    "pickle-bomb", "junk", "class Bomb:\n    def __reduce__(self):\n        return os.system, ('true',)\nreturn Bomb()"
)
inside("pickle-bytes", "wrong", "return b'cos\\nsystem\\n(S\"true\"\\ntR.'")
inside("fraction-slots", "junk", "from fractions import Fraction\nf = Fraction(1, 2)\nf._numerator = 'x'\nreturn f")
inside("surrogates", "wrong", "return chr(0xd800) * 3")
inside("array-of-text", "junk", "return np.array(['=cmd|calc'] * 6)")

# Ends, exceptions and crashes.
inside("system-exit", "SystemExit", "raise SystemExit(0)")
inside("keyboard-interrupt", "KeyboardInterrupt", "raise KeyboardInterrupt")
inside("generator-exit", "GeneratorExit", "raise GeneratorExit")
inside("hard-exit", "crashed", "os._exit(0)")
inside("abort", "crashed", "os.abort()")
inside("segfault", "crashed", "import ctypes\nctypes.string_at(0)")
inside("kill-self", "crashed", "import signal\nos.kill(os.getpid(), signal.SIGKILL)\nwhile True: pass")
inside("alarm-self", "crashed", "import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(9)")
inside("recursion", "RecursionError", "return double(x)")
inside(
    "deep-recursion",
    "RecursionError MemoryError out-of-memory crashed timeout",
    "sys.setrecursionlimit(10**9)\ndef down(n):\n    return [down(n + 1)]\nreturn down(0)",
)
inside(
    "evil-message", "ValueError", "class E(ValueError):\n    def __str__(self):\n        raise SystemExit(0)\nraise E"
)
inside(
    "evil-traceback",
    "ValueError",
    """
    class E(ValueError):
        @property
        def __traceback__(self):
            os._exit(0)
    raise E("<script>alert(1)</script>\\x1b[2J=1+1")
""",
)
inside("long-message", "ValueError", "raise ValueError('x' * 10_000_000)")
inside("looping-message", "timeout", "class E(ValueError):\n    def __str__(self):\n        while True: pass\nraise E")
inside("group", "ExceptionGroup BaseExceptionGroup Exception", "raise ExceptionGroup('all passed', [ValueError(1)])")
inside(
    "fake-builtin",
    "Exception",
    "class Passed(Exception):\n    pass\nPassed.__name__ = Passed.__qualname__ = 'OK'\nraise Passed",
)
inside(
    "patched-message",
    "ValueError",
    "import builtins\nbuiltins.str = builtins.type = builtins.len = None\nraise ValueError",
)

# Time.
inside("loop", "timeout", "while True: pass")
inside("sleep", "timeout", "import time\ntime.sleep(60)")
inside(
    "catch-everything",
    "timeout",
    "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
)
inside("stop-self", "timeout crashed", "import signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass")
inside("one-long-operation", "timeout", "return sum(range(10**11))")
inside("wait-for-ever", "timeout", "import threading\nthreading.Event().wait()")
inside("read-own-connection", "timeout", "os.read(3, 1)")
inside(
    "ignore-signals",
    "timeout",
    """
    import signal
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    while True: pass
""",
)

# Memory, threads, files, output.
inside("memory-at-once", "out-of-memory", "return np.ones(1 << 33)")
inside("memory-slowly", "out-of-memory", "parts = []\nwhile True:\n    parts.append(np.empty(1 << 20))")
inside("memory-of-lists", "out-of-memory timeout", "parts = []\nwhile True:\n    parts = [parts] * 100_000 + parts * 2")
inside("shared-memory", "OSError ValueError out-of-memory", "import mmap\nmmap.mmap(-1, 1 << 33)")
inside("memory-file", "OSError", "return os.memfd_create('x')")
inside(
    "threads",
    "RuntimeError out-of-memory timeout crashed",
    """
    import threading, time
    while True:
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
""",
)
inside("descriptors", "OSError", "found = []\nwhile True:\n    found.append(os.pipe())")
inside("print-bomb", "timeout", "while True:\n    print('x' * 100_000)")
inside("raw-output-bomb", "OSError", "while True:\n    os.write(1, b'x' * 100_000)")
inside("grow-output", "OSError", "os.ftruncate(1, 1 << 30)")
inside("fork", "OSError", "return os.fork()")
inside("fork-bomb", "OSError", "while True:\n    os.fork()")
inside("subprocess", "OSError", "import subprocess\nreturn subprocess.run(['true']).returncode")
inside("system", "wrong", "return os.system('touch WRITABLE')")
inside("exec", "OSError", "os.execv('/bin/true', ['true'])")
inside("spawn", "OSError", "return os.posix_spawn('/bin/true', ['true'], {})")
inside(
    "multiprocessing",
    "OSError",
    "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n    return pool.map(abs, [1])",
)
inside("daemon", "OSError", "if os.fork() == 0:\n    os.setsid()\n    import time\n    time.sleep(60)")

# Files and secrets.
inside("read-secret", "OSError", "return open('SECRET').read()")
inside("read-passwords", "OSError", "return open('/etc/shadow').read() + open('/etc/passwd').read()")
inside("read-environment", "OSError", "return open('/proc/self/environ').read()")
inside("read-parent", "OSError", "return open('/proc/%d/environ' % (os.getppid() or 1)).read()")
inside("list-processes", "OSError", "return os.listdir('/proc')")
inside("list-homes", "OSError", "return os.listdir('/root') + os.listdir('/home')")
inside(
    "environment",
    "wrong",
    "return {k: v for k, v in os.environ.items() if 'KEY' in k or 'TOKEN' in k or 'SECRET' in k}",
)
inside("append", "OSError", "open('WRITABLE', 'a').write('changed')")
inside("truncate", "OSError", "os.truncate('WRITABLE', 0)")
inside("remove", "OSError", "os.remove('WRITABLE')")
inside("rename", "OSError", "os.rename('WRITABLE', 'WRITABLE.old')")
inside("link", "OSError", "os.link('SECRET', 'SECRET.link')")
inside("symlink", "OSError", "os.symlink('SECRET', '/tmp/link')")
inside("chmod", "OSError", "os.chmod('WRITABLE', 0o777)")
inside("temporary-file", "OSError", "import tempfile\nreturn tempfile.NamedTemporaryFile(delete=False).name")
inside("make-folder", "OSError", "os.mkdir('/tmp/left-behind')")
inside(
    "disk-bomb",
    "OSError",
    "with open('/tmp/left-behind', 'wb') as file:\n    while True:\n        file.write(b'x' * (1 << 20))",
)
inside("device", "OSError", "os.mknod('/tmp/left-behind')")
inside("write-library", "OSError", "open(np.__file__, 'a').write('#')")
inside("lock", "OSError", "import fcntl\nfcntl.flock(open(np.__file__), fcntl.LOCK_EX)")
inside("chroot", "OSError", "os.chroot('/')")

# Other processes and the kernel.
inside("kill-parent", "OSError", "import signal\nos.kill(os.getppid() or 1, signal.SIGKILL)")
inside("kill-all", "OSError", "import signal\nos.kill(-1, signal.SIGKILL)")
inside("kill-group", "OSError", "import signal\nos.killpg(0, signal.SIGKILL)")
inside(
    "kill-neighbours",
    "OSError",
    "import signal\nfor pid in range(1, 200):\n    if pid != os.getpid():\n        os.kill(pid, signal.SIGKILL)",
)
inside("handle", "OSError", "return os.pidfd_open(os.getppid() or 1)")
for call, number, arguments in (
    ("ptrace", 101, "16, os.getppid() or 1, 0, 0"), ("unshare", 272, "0x10000000"), ("keyring", 250, "0, -3, 1"),
    ("io-uring", 425, "8, ctypes.create_string_buffer(256)"), ("bpf", 321, "0, 0, 0"), ("userfaultfd", 323, "0"),
    ("perf", 298, "0, 0, -1, -1, 0"), ("vm-read", 310, "os.getppid() or 1, 0, 0, 0, 0, 0"),
    ("shmget", 29, "0, 4096, 0o1600"),
    ("clone3", 435, "0, 0"), ("mount", 165, "0, 0, 0, 0, 0"), ("setns", 308, "3, 0"), ("personality", 135, "8"),
    ("vsock", 41, "40, 1, 0"), ("message-queue", 68, "0, 0o1600"), ("x32-getpid", 0x40000027, ""),
    ("undo-death-signal", 157, "1, 0, 0, 0, 0"), ("open-by-handle", 304, "3, 0, 0"),
    ("new-userns-thread", 56, "0x10010000, 0"),
):  # fmt: skip
    inside(
        f"syscall-{call}",
        "PermissionError crashed",
        f"""
        import ctypes, platform
        if platform.machine() != "x86_64":
            raise PermissionError
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall({", ".join(filter(None, [str(number), arguments]))}) >= 0:
            return x * 2
        raise PermissionError(ctypes.get_errno())
        """,
    )
inside("connect", "OSError", "import socket\nsocket.create_connection(('127.0.0.1', PORT), 1)")
inside(
    "datagram",
    "OSError",
    "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
)
inside("unix-socket", "OSError", "import socket\nsocket.socket(socket.AF_UNIX)")
inside("socket-pair", "OSError", "import socket\nsocket.socketpair()")
inside("listen", "OSError", "import socket\nsocket.create_server(('127.0.0.1', 0))")
inside("download", "OSError", "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1:PORT/').read()")
inside("more-privileges", "OSError ValueError", "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))")
inside("become-root", "OSError", "os.setuid(0)")

# The reference, the grader and its connection.
inside("import-solutions", "ImportError", "import solutions.convolution")
inside("import-grader", "ImportError", "import grader.contract")
inside("import-hypothesis", "ImportError", "import hypothesis")
inside("import-torch", "ImportError", "import torch")
inside(
    "search-path",
    "ImportError OSError",
    "sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.realpath(np.__file__)))]\nimport hypothesis",
)
inside(
    "hunt-objects",
    "wrong",
    """
    import gc
    return [1 for item in gc.get_objects() if type(item).__name__ in ("Contract", "Twin", "Regime")]
""",
)
inside(
    "hunt-frames",
    "wrong",
    """
    frame, found = sys._getframe(), []
    while frame:
        found += [str(name) for name in frame.f_locals if "reference" in name or "expected" in name]
        frame = frame.f_back
    return found
""",
)
inside(
    "patch-worker",
    "wrong",
    """
    frame = sys._getframe()
    while frame:
        for name in ("changed", "seconds"):
            frame.f_globals[name] = 1
        frame = frame.f_back
    np.array_equal = np.allclose = lambda *a, **k: True
    import builtins, json
    builtins.all = builtins.any = lambda *a: True
    json.dumps = json.loads = None
    return x * 3
""",
)
for forged, reply in {
    "score": '{"id":2,"ok":true,"tree":4,"changed":[],"shares":[],"earlier":[],"score":1}',
    "skip": '{"id":2,"skip":true,"tree":4}',
    "number": '{"id":9,"ok":true,"tree":4,"changed":[],"shares":[],"earlier":[]}',
    "exception": '{"id":2,"ok":false,"tree":0,"type":"Passed","message":"","line":null,"missing":""}',
    "arguments": '{"id":2,"ok":true,"tree":4,"changed":["score"],"shares":[],"earlier":[]}',
    "calls": '{"id":2,"ok":true,"tree":4,"changed":[],"shares":[],"earlier":[7]}',
    "nonsense": "PASSED",
}.items():  # fmt: skip
    inside(
        f"forge-{forged}",
        "crashed",
        f"""
        head = {reply!r}.encode()
        os.write(3, len(head).to_bytes(8, "little") + (4).to_bytes(8, "little") + head + b"null")
        import time
        time.sleep(9)
        """,
    )
inside("forge-terabyte", "crashed", "os.write(3, (1 << 40).to_bytes(8, 'little') * 2)\nimport time\ntime.sleep(9)")
inside("forge-and-answer", "crashed wrong", "os.write(3, bytes(16))\nreturn x * 2")
inside(
    "drip",
    "timeout",
    "import time\nfor _ in range(100):\n    os.write(3, b'\\x40' if not _ else b'\\0')\n    time.sleep(0.05)",
)
inside("close-connection", "crashed", "os.close(3)\nimport time\ntime.sleep(9)")
inside("close-everything", "crashed", "os.closerange(0, 64)\nwhile True: pass")
attack(
    "answer-early",
    "crashed",
    """
    import os
    head = b'{"id":2,"ok":true,"tree":4,"changed":[],"shares":[],"earlier":[]}'
    os.write(3, len(head).to_bytes(8, "little") + (4).to_bytes(8, "little") + head + b"null")
    def double(x):
        return x * 2
""",
)

# What else an array, a number or a process can be made of.
inside(
    "array-structure",
    "junk",
    """
    class Lie:
        __array_interface__ = {"shape": (6,), "typestr": "<f8", "data": (1, False), "version": 3}
        __class__ = np.ndarray
        def __array__(self, *a, **k):
            return x * 2
    return Lie()
""",
)
inside("masked-array", "junk", "return np.ma.masked_all(x.shape)")
inside(
    "moved-data",
    "crashed",
    "import ctypes\nbox = np.zeros(9)\nctypes.c_void_p.from_address(id(box) + 16).value = 8\nreturn box",
)
inside("far-strides", "crashed", "return np.lib.stride_tricks.as_strided(x, (2, 2), (1 << 45, 8))")
inside("long-integer", "junk", "return 1 << 20_000")
inside("long-fraction", "junk", "from fractions import Fraction\nreturn Fraction(1 << 20_000, 3)")
inside(
    "changed-integer",
    "crashed timeout wrong",
    "import ctypes\nctypes.memmove(id(1) + 24, bytes([5]), 1)\nreturn x * 3",
)
inside(
    "trace-worker",
    "SystemExit",
    """
    def stop(frame, event, argument):
        raise SystemExit(0)
    frame = sys._getframe()
    sys.settrace(stop)
    while frame:
        frame.f_trace = stop
        frame = frame.f_back
    return x * 2
""",
)
inside(
    "alarm-in-worker",
    "MemoryError RecursionError out-of-memory crashed timeout wrong right",
    """
    import signal
    def fail(*a):
        raise MemoryError
    signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    return x * 2
""",
)
inside(
    "audit-hook",
    "RecursionError SystemExit right",
    """
    def refuse(*a):
        raise SystemExit(0)
    sys.addaudithook(refuse)
    return x * 2
""",
)
inside("print-through-memory", "wrong", "import mmap\nmmap.mmap(1, 1 << 16)[:] = b'\\x1b' * (1 << 16)\nreturn 'PASSED'")
inside(
    "pass-descriptors",
    "OSError crashed timeout",
    """
    import array, socket
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1] * 80))]
    connection = socket.socket(fileno=os.dup(3))
    while True:
        connection.sendmsg([b"\\xff" * 16], rights)
""",
)
inside("shut-down", "crashed", "import socket\nsocket.socket(fileno=3).shutdown(socket.SHUT_RDWR)\nreturn x * 2")
inside(
    "calls-of-32-bits",
    "crashed PermissionError",
    """
    import ctypes, mmap, platform
    if platform.machine() != "x86_64":
        raise PermissionError
    code = mmap.mmap(-1, 4096, prot=7)
    code.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
""",
)
inside(
    "forge-colliding-keys",
    "crashed",
    """
    import socket, time
    pairs = ",".join('[["i","%#x"],0]' % ((2**61 - 1) * number) for number in range(16, 20_000))
    tree = ('["d",[' + pairs + "]]").encode()
    head = b'{"id":2,"ok":true,"tree":%d,"changed":[],"shares":[],"earlier":[]}' % len(tree)
    frame = len(head).to_bytes(8, "little") + len(tree).to_bytes(8, "little") + head + tree
    socket.socket(fileno=3).sendall(frame)
    time.sleep(9)
""",
)

# Modules that attack while they are loaded.
attack("exit-at-load", "SystemExit", "import sys\nsys.exit(0)\n")
attack("die-at-load", "crashed", "import os\nos._exit(0)\n")
attack("loop-at-load", "timeout", "while True: pass\n")
attack("no-python", "SyntaxError", "def double(x) return 2 * x\n")
attack("brackets", "SyntaxError MemoryError RecursionError", "x = " + "(" * 100_000 + "\n")
attack("nested", "SyntaxError MemoryError RecursionError out-of-memory crashed", "x = " + "-" * 1_000_000 + "1\n")
attack("null-bytes", "SyntaxError ValueError", "x = 1\0\n")
attack("cookie", "right", "# -*- coding: rot13 -*-\ndef double(x):\n    return x * 2\n")
attack(
    "at-exit",
    "right",
    "import atexit, os\natexit.register(os.system, 'touch WRITABLE')\ndef double(x):\n    return x * 2\n",
)
attack(
    "greet",
    "right",
    "import sys\nprint('PASSED', file=sys.stderr)\ndef double(x):\n    print('100 %')\n    return x * 2\n",
)
attack("main-block", "right", "def double(x):\n    return x * 2\nif __name__ == '__main__':\n    raise SystemExit\n")
attack("ask", "EOFError", "def double(x):\n    return input()\n")
attack(
    "no-output", "right", "import sys\nsys.stdout = sys.stderr = sys.stdin = None\ndef double(x):\n    return x * 2\n"
)
attack(
    "import-hook",
    "right",
    """
    import sys, builtins
    class Hook:
        def find_spec(self, *a):
            raise SystemExit
    sys.meta_path.insert(0, Hook())
    sys.modules.clear()
    builtins.__import__ = None
    def double(x):
        return x * 2
""",
)
attack(
    "late-thread",
    "right",
    """
    import threading, time, os
    def later():
        while True:
            time.sleep(0.001)
    threading.Thread(target=later, daemon=True).start()
    def double(x):
        return x * 2
""",
)
