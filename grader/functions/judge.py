"""Judging one function: every case compared, tallied by regime, marked by group, diagnosed and explained."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from grader.answers import count
from grader.contract import BEHAVIOUR, Call, Contract, Regime, percentages
from grader.functions.cases import MADE_AGAIN, SAME_SHAPES, Case, CaseSet, Fault, make_case
from grader.functions.runner import Runner
from grader.functions.witness import counterexample, inside, parameter_names
from grader.outcome import Counterexample, Finding, Outcome, PartResult, Verdict, wrong
from grader.sandbox.protocol import TOO_LARGE
from grader.sandbox.replies import Died, Junk, Raised, Reply, Returned
from grader.sandbox.script import Script

TRIALS = 150  # calls spent on shrinking
SHRINK_SECONDS = 8.0  # a safety net for slow functions; the trials decide otherwise
HOPELESS = 2  # deaths in a row after which the remaining cases are not run
REREAD = range(2, 62, 10)  # how many calls ago the results were made that are looked at again
HELD = 1 << 23  # bytes of wrong results that are held to be looked at: those of an honest function are far fewer
SUSPECTS = 4  # calls made alone, to tell whether earlier calls matter
SHOWN = (Outcome.CORRECT, Outcome.PARTIAL, Outcome.WRONG)  # what a report shows of: not what hangs or dies

UNCHANGED = "the arguments stay as they are"
OWN_MEMORY = "the result has memory of its own"
STAYS = "an earlier result stays as it was"
TOGETHER = "the results of different calls go together"
_SENTENCES = {
    UNCHANGED: "It modifies its arguments: work on a copy, and return new arrays.",
    OWN_MEMORY: "Its result shares memory with an argument or an earlier result: return a new array.",
    STAYS: "A later call changes an earlier result: do not reuse the array that you returned.",
    SAME_SHAPES: "It is wrong right after a call much like it: it seems to remember earlier calls.",
    MADE_AGAIN: "The same call gives another result the second time: it depends on earlier calls or on chance.",
}


class Observation(NamedTuple):
    """One case, what came back, the verdict on it, and whether that is all of the share."""

    case: Case
    reply: Reply
    verdict: Verdict
    passed: bool
    ran: bool = True  # False when the process had died too often before
    clean: bool = False  # passed, modified nothing, and shared nothing


def observed(case: Case, reply: Reply, verdict: Verdict) -> Observation:
    passed = verdict.share == 1
    clean = passed and isinstance(reply, Returned) and not (reply.changed or reply.shares or reply.earlier)
    return Observation(case, reply, verdict, passed, clean=clean)


@dataclass
class Tally:
    """Passed and total of each regime, behaviours included."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    remark: str = ""  # why the results of different calls do not go together
    unrun: int = 0  # cases of the contract's own regimes that were not tried
    stateful: bool = False  # what fails after other calls is right when it is the only call
    resembles: str = ""  # where it does as a known mistake does that does not fit everywhere
    changed: set[int | str] = field(default_factory=set)  # arguments modified, by position or name
    imprecise: Counter[str] = field(default_factory=Counter)  # of a regime: wrong, but right in single precision

    def add(self, regime: str, passed: bool) -> None:
        done, total = self.counts.get(regime, (0, 0))
        self.counts[regime] = (done + passed, total + 1)

    def passes(self, regime: str) -> bool:
        done, total = self.counts.get(regime, (0, 0))
        return done == total

    def earns(self, regime: str) -> bool:
        """Does a regime count? Lost precision is counted once, as behaviour, wherever it shows."""
        done, total = self.counts.get(regime, (0, 0))
        return done + self.imprecise[regime] == total


def judge(
    cases: CaseSet, runner: Runner, topic: str, marks: Fraction, *, trials: int = TRIALS, last: bool = False
) -> PartResult:
    """Grade one function of a loaded module.

    `trials` is how many calls shrinking a failure may take; `last` says that nothing follows in the module's process.
    """
    contract = cases.contract
    runner.grant()
    observations = run_cases(cases, runner)
    tally = tally_up(cases, observations, runner)
    reread(cases, observations, runner, tally)
    compare_calls(cases, observations, tally)
    share = shared_marks(contract, tally)
    outcome = overall_outcome(share, observations)
    findings = diagnose(cases, observations)
    failure = (
        None if outcome in (Outcome.CORRECT, Outcome.MISSING) else smallest_failure(cases, observations, runner, trials)
    )
    witness = _witness(contract, failure) if failure else None
    if trials and failure and isinstance(failure.reply, Returned):
        reply = runner.alone(contract.name, failure.case.call, failure.case.reply_bytes)
        tally.stateful = verdict_of(contract, failure.case, reply).share == 1
    tally.resembles = "" if findings or tally.stateful else resemblance(cases, observations)
    return PartResult(
        topic=topic,
        part=contract.name,
        kind="function",
        outcome=outcome,
        score=share * marks,
        max_score=marks,
        message=explain(contract, outcome, observations, tally, witness),
        summary=explain(contract, outcome, observations, tally, None),
        credit=credit(contract, tally) if outcome in (Outcome.PARTIAL, Outcome.WRONG) else "",
        misconceptions=findings,
        regimes={name: tally.counts[name] for name in sorted(tally.counts, key=_declared(contract))},
        counterexample=witness,
        line=next((o.reply.line for o in failures(observations) if isinstance(o.reply, Raised)), None),
        record=seen(cases, runner, here=last and outcome is Outcome.CORRECT) if trials and outcome in SHOWN else {},
    )


def seen(cases: CaseSet, runner: Runner, *, here: bool = False) -> Mapping[str, Any]:
    """Return what the function makes of its contract's showcase: nothing there counts.

    It is made in a process of its own, or `here`, in the module's, where no earlier call can have left anything amiss
    and nothing comes later.
    """
    contract, case = cases.contract, cases.showcase
    if contract.showcase is None or case is None:
        return {}
    ask = runner.call if here and not runner.exhausted else runner.alone
    reply = ask(contract.name, case.call, case.reply_bytes)
    return contract.showcase.show(case.call, reply.value) if isinstance(reply, Returned) else {}


def run_cases(cases: CaseSet, runner: Runner) -> list[Observation]:
    """Run every case of the first round once and, unless all is clean there, all others.

    It stops when the process dies again and again.
    """
    observations: list[Observation] = []
    for script in cases.scripts:
        if observations and all(seen.clean for seen in observations):
            break
        run_script(cases, script, runner, observations)
    return observations


def run_script(cases: CaseSet, script: Script, runner: Runner, observations: list[Observation]) -> None:
    """Add what is seen of the calls of a script, which go on where the observations end."""
    contract, start = cases.contract, len(observations)
    deaths, held = 0, Held(observations)
    replies, known = runner.perform(script), script.judgements
    for case in cases.cases[start : start + len(script.calls)]:
        if deaths >= HOPELESS or (observations and not observations[-1].ran):
            verdict = wrong("not run, after the process had died")
            observations.append(Observation(case, observations[-1].reply, verdict, passed=False, ran=False))
            continue
        reply = next(replies)
        deaths = deaths + 1 if isinstance(reply, Died) else 0
        seen = known.get(id(reply))
        if seen is None:
            seen = observed(case, reply, verdict_of(contract, case, reply))
            script.judged(reply, seen)
        observations.append(held.limited(seen))


class Held:
    """How many more bytes of wrong results may be held: a megabyte a call would be gigabytes of a class."""

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self.room = HELD - sum(size_of(seen.reply) for seen in observations if not seen.passed)

    def limited(self, seen: Observation) -> Observation:
        """Return an observation, without its value where that is wrong and there is no room for it any more."""
        if seen.passed or not isinstance(seen.reply, Returned):
            return seen
        if self.room >= 0:  # to measure thousands of long lists takes long as well
            self.room -= size_of(seen.reply)
        return seen if self.room >= 0 else seen._replace(reply=Returned(Junk(TOO_LARGE)))


def size_of(reply: Reply) -> int:
    """Return about how many bytes of memory a reply takes."""
    size = 0
    for item in inside(reply.value) if isinstance(reply, Returned) else ():
        size += 64
        if isinstance(item, np.ndarray):
            size += item.nbytes
        elif isinstance(item, str | bytes):
            size += len(item)
    return size


def verdict_of(contract: Contract, case: Case, reply: Reply) -> Verdict:
    """Compare a reply with what is expected, as plain data."""
    if isinstance(reply, Returned):
        return contract.check.compare(reply.value, case.expected, case.call)
    if isinstance(reply, Died):
        return wrong(reply.message)
    if reply.missing:
        return wrong(f"it imports {reply.missing!r}, which is not allowed here")
    message = f": {reply.message}" if reply.message else ""
    place = f" in line {reply.line}" if reply.line else ""
    return wrong(f"it raises {reply.type}{place}{message}")


def remembers(cases: CaseSet, observations: list[Observation], runner: Runner) -> bool:
    """Is it wrong because of the call before? So it seems where the same call, made alone, is right.

    What fails nowhere else is counted as well, whatever the reason: no failure is lost.
    """
    right = {seen.case.number for seen in observations if seen.passed}
    failed = failures(observations)
    suspects = [seen.case for seen in failed if seen.case.regime == SAME_SHAPES and seen.case.follows in right]
    if not suspects or all(seen.case.follows is not None for seen in failed):
        return bool(suspects)
    name = cases.contract.name
    alone = ((case, runner.alone(name, case.call, case.reply_bytes)) for case in suspects[:SUSPECTS])
    return any(verdict_of(cases.contract, case, reply).share == 1 for case, reply in alone)


def tally_up(cases: CaseSet, observations: list[Observation], runner: Runner) -> Tally:
    """Count passed cases by regime; where nothing is amiss, the counts are the same for every student."""
    script = cases.scripts[0]
    clean = all(seen.clean for seen in observations)
    if clean and script.counts is not None:
        return Tally(dict(script.counts))
    tally = counted(cases.contract, observations, remembers(cases, observations, runner))
    if clean:
        if len(observations) < len(cases.cases):
            for name in (name for seen in observations for name in seen.case.inside):
                tally.add(name, passed=True)
        script.counts = dict(tally.counts)
    return tally


def counted(contract: Contract, observations: Iterable[Observation], remembers: bool) -> Tally:
    """Count passed cases by regime. A repeated case counts only where the one it follows was right.

    One much like the case before counts against a function only if that `remembers` earlier calls.
    """
    tally = Tally()
    right: dict[int, bool] = {}
    counts: Counter[tuple[str, bool]] = Counter()
    unchanged, unaliased = ("unchanged" in contract.properties, "unaliased" in contract.properties)
    for case, reply, verdict, passed, ran, _ in observations:
        right[case.number] = passed
        counts_so = passed or remembers or case.regime != SAME_SHAPES
        if case.follows is None or (ran and right.get(case.follows, False) and counts_so):
            counts[case.regime, passed] += 1
            tally.imprecise[case.regime] += verdict.imprecise
        tally.unrun += not ran and case.follows is None
        if passed and isinstance(reply, Returned):
            if unchanged:
                counts[UNCHANGED, not reply.changed] += 1
                tally.changed.update(reply.changed)
            if unaliased:
                counts[OWN_MEMORY, not reply.shares and not reply.earlier] += 1
    for name in dict.fromkeys(name for name, _ in counts):
        tally.counts[name] = counts[name, True], counts[name, True] + counts[name, False]
    return tally


def reread(cases: CaseSet, observations: list[Observation], runner: Runner, tally: Tally) -> None:
    """Look at some earlier results again: have later calls changed them?"""
    first = len(observations) - runner.calls  # the case that was the current process' call 0
    if "unaliased" not in cases.contract.properties or runner.exhausted or first < 0:
        return
    numbers = [runner.calls - ago for ago in REREAD if ago <= runner.calls]
    looked_at = [number for number in numbers if observations[first + number].passed]
    for number, reply in zip(looked_at, runner.reread(looked_at), strict=True):
        seen = observations[first + number]
        stays = _equal(reply, seen.reply) or verdict_of(cases.contract, seen.case, reply).share == 1
        tally.add(STAYS, stays)


def _equal(one: Reply, other: Reply) -> bool:
    """Did these return the same arrays, byte for byte? What is so need not be compared with what is expected again."""
    return isinstance(one, Returned) and isinstance(other, Returned) and _same(one.value, other.value)


def _same(a: Any, b: Any) -> bool:
    """Are these the same array, or tuples or lists of the same arrays?"""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    arrays = type(a) is np.ndarray and a.dtype == b.dtype and a.shape == b.shape
    return bool(arrays and a.tobytes() == b.tobytes())


def compare_calls(cases: CaseSet, observations: list[Observation], tally: Tally) -> None:
    """Judge all right results together, where the check has a method `across` for it (see `contract.Check`)."""
    across = getattr(cases.contract.check, "across", None)
    if across is None:
        return
    seen = [(o.case.call, o.reply) for o in observations if isinstance(o.reply, Returned) and o.passed]
    if not seen:
        return
    replies = [reply for _, reply in seen]
    verdict = cases.scripts[0].together(replies, lambda: across([(call, reply.value) for call, reply in seen]))
    tally.add(TOGETHER, verdict.share == 1)
    tally.remark = verdict.message


def behaves(tally: Tally) -> bool:
    return not tally.imprecise.total() and all(tally.passes(name) for name in (*_SENTENCES, TOGETHER))


def shared_marks(contract: Contract, tally: Tally) -> Fraction:
    """Return the share of the marks: each group counts when all its regimes pass, none without the first group."""
    earned = earned_shares(contract, tally)
    gate = next(iter(contract.groups))
    return (
        sum((share for group, share in contract.shares if earned[group]), Fraction(0)) if earned[gate] else Fraction(0)
    )


def earned_shares(contract: Contract, tally: Tally) -> dict[str, bool]:
    """Return of each of the contract's shares whether it is earned, as far as the gate is."""
    groups = {group: [r.name for r in contract.regimes if r.group == group] for group in contract.groups}
    return {group: all(map(tally.earns, names)) for group, names in groups.items()} | {BEHAVIOUR: behaves(tally)}


def credit(contract: Contract, tally: Tally) -> str:
    """Say how a part of the marks came about: which groups count, and which do not."""
    earned = earned_shares(contract, tally)
    gate = next(iter(contract.groups))
    opened = earned[gate]
    said = ", ".join(
        f"{group} {percent} %{'' if earned[group] or not opened else ' (not earned)'}"
        for group, percent in percentages(contract.shares)
    )
    if not opened:
        return f"Nothing is earned while {gate} is not right; then each kind of input counts when all of it is: {said}."
    lost = "; precision counts there" if tally.imprecise.total() else ""
    return f"Each kind of input counts when all of it is right: {said}{lost}."


def overall_outcome(share: Fraction, observations: list[Observation]) -> Outcome:
    """Return the outcome that the share and the failures amount to."""
    if share == 1:
        return Outcome.CORRECT
    replies = [seen.reply for seen in failures(observations)]
    if any(isinstance(r, Died) and r.outcome is Outcome.UNGRADABLE for r in replies):
        return Outcome.UNGRADABLE
    if replies and all(isinstance(r, Raised) and r.type == "NotImplementedError" for r in replies):
        return Outcome.MISSING if len(replies) == len(observations) else Outcome.WRONG
    if share > 0:
        return Outcome.PARTIAL
    if any(isinstance(r, Raised) and r.missing for r in replies):
        return Outcome.NOT_ALLOWED
    return next((r.outcome for r in replies if isinstance(r, Died)), Outcome.WRONG)


def failures(observations: Iterable[Observation]) -> list[Observation]:
    return [seen for seen in observations if not seen.passed]


def diagnose(cases: CaseSet, observations: list[Observation]) -> tuple[Finding, ...]:
    """Return every misconception whose results equal the student's on all cases."""
    failed = failures(observations)
    if not failed or any(isinstance(seen.reply, Died) for seen in failed):
        return ()
    by_suspicion = failed + [seen for seen in observations if seen.passed]  # a quick no comes first
    fitting = [
        twin
        for twin in cases.contract.twins
        if all(_fits(cases, cases.twin_expects(twin, o.case), o.reply) for o in by_suspicion)
    ]
    return tuple(Finding(twin.name, twin.hint) for twin in fitting)


def resemblance(cases: CaseSet, observations: list[Observation]) -> str:
    """Say where a function does as one known mistake does, for one that has several mistakes, or half of one.

    Only of the first regime that fails, only if no case of it is right, and only if a single mistake fits there.
    """
    contract = cases.contract
    failed = {seen.case.regime for seen in failures(observations)}
    regime = next((r.name for r in contract.regimes if r.name in failed), None)
    own = [seen for seen in observations if seen.case.regime == regime]
    if not own or any(seen.passed or not isinstance(seen.reply, Returned) for seen in own):
        return ""
    if any(isinstance(seen.reply, Died) for seen in observations):  # then nobody knows whether it fits everywhere
        return ""
    fitting = [t for t in contract.twins if all(_fits(cases, cases.twin_expects(t, o.case), o.reply) for o in own)]
    if len(fitting) != 1:
        return ""
    return f"Where {regime}, but not everywhere, it returns what a known mistake does: {fitting[0].hint}"


def _fits(cases: CaseSet, expected: Any, reply: Reply) -> bool:
    if isinstance(expected, Fault):
        return isinstance(reply, Raised)
    return isinstance(reply, Returned) and cases.contract.check.agrees(reply.value, expected)


def smallest_failure(
    cases: CaseSet, observations: list[Observation], runner: Runner, trials: int
) -> Observation | None:
    """Return the simplest failing call found: shrunk by Hypothesis, else the smallest of the cases."""
    contract = cases.contract
    failed = {seen.case.regime for seen in failures(observations)}
    regime = next((r for r in contract.regimes if r.name in failed), None)
    if regime is None:
        return None
    candidates = [seen for seen in failures(observations) if seen.case.regime == regime.name]
    fallback = min(candidates, key=lambda seen: _size(seen.case.call))
    if isinstance(fallback.reply, Died):  # show the call during which the process died, and try no further
        return next(o for o in failures(observations) if isinstance(o.reply, Died))
    return (_shrunk(cases, regime, fallback, runner, trials) if trials else None) or fallback


def _shrunk(cases: CaseSet, regime: Regime, known: Observation, runner: Runner, trials: int) -> Observation | None:
    """Shrink within the regime, keeping the manner of failing: the same exception, or a wrong result."""
    from grader.functions.fuzz import shrink

    contract, deadline = cases.contract, time.monotonic() + SHRINK_SECONDS
    seen: list[Observation] = []
    held = Held()

    def fails(call: Call) -> bool:
        if runner.exhausted or time.monotonic() > deadline:
            return False
        case = make_case(contract, regime.name, call)
        reply = runner.call(contract.name, case.call, case.reply_bytes)
        verdict = verdict_of(contract, case, reply)
        if verdict.share == 1 or _manner(reply) != _manner(known.reply):
            return False
        seen.append(held.limited(observed(case, reply, verdict)))
        return True

    smallest = shrink(regime, fails, trials, contract.name, regime.name, cases.secret)
    return next((o for o in reversed(seen) if o.case.call is smallest), None)


def _manner(reply: Reply) -> str:
    return f"raised {reply.type}" if isinstance(reply, Raised) else type(reply).__name__


def _witness(contract: Contract, seen: Observation) -> Counterexample:
    got = seen.reply.value if isinstance(seen.reply, Returned) else seen.verdict.message
    return counterexample(contract, seen.case.regime, seen.case.call, got, seen.case.expected, seen.verdict)


def _size(call: Call) -> int:
    values = (*call.args, *call.kwargs.values())
    return sum(value.size if isinstance(value, np.ndarray) else 1 for value in values)


def explain(
    contract: Contract, outcome: Outcome, observations: list[Observation], tally: Tally, witness: Counterexample | None
) -> str:
    """Write what the student reads: where it fails, how, and which property it breaks."""
    failed = failures(observations)
    if outcome is Outcome.CORRECT:
        return f"Right on all {count(len(observations), 'case')}."
    if outcome is Outcome.MISSING:
        return f"{contract.name} is still the stub: it raises NotImplementedError."
    sentences = [characterise(contract, tally)] if failed else []
    death = next((o.reply.message for o in failed if isinstance(o.reply, Died)), "")
    if death:
        sentences.append(f"{death[0].upper()}{death[1:].rstrip('.')}.")
    elif tally.stateful:
        sentences.insert(0, "Its result depends on earlier calls: the call shown is right when it is the only one.")
    elif witness is not None:
        sentences.append(f"For example, {witness.sentence.rstrip('.')}.")
    sentences += [tally.resembles] if tally.resembles else []
    sentences += [sentence for name, sentence in _SENTENCES.items() if not tally.passes(name)]
    if tally.changed:
        named = dict.fromkeys(_argument(contract, place) for place in _ordered(tally.changed))
        sentences.append(f"What it modifies: {', '.join(named)}.")
    if tally.remark:
        sentences.append(tally.remark)
    return " ".join(sentences)


def _argument(contract: Contract, place: int | str) -> str:
    names = parameter_names(contract.signature)
    return names[place] if isinstance(place, int) and place < len(names) else str(place)


def _ordered(places: Iterable[int | str]) -> list[int | str]:
    return sorted(places, key=str)


def characterise(contract: Contract, tally: Tally) -> str:
    """Say in one sentence in which regimes a function is wrong.

    "Wrong on 12 of 12 cases where the stride does not divide; right on all 131 others."
    """
    regimes = {r.name: tally.counts[r.name] for r in contract.regimes if r.name in tally.counts}
    bad = {name: pair for name, pair in regimes.items() if pair[0] < pair[1]}
    if not bad:
        return ""
    total = sum(pair[1] for pair in regimes.values()) - tally.unrun
    passed = sum(pair[0] for pair in regimes.values())
    if tally.unrun:
        return f"Right on {passed:,} of {count(total, 'case')}; {tally.unrun:,} more could not be tried."
    if passed == 0:
        return f"Wrong on all {count(total, 'case')}."
    shown = sorted(bad, key=lambda name: bad[name][0] / bad[name][1])[:3]
    where = "; ".join(f"{bad[name][1] - bad[name][0]} of {bad[name][1]} where {name}" for name in shown)
    rest = f", and in {count(len(bad) - len(shown), 'more group')} of cases" if len(bad) > len(shown) else ""
    return f"Right on {passed:,} of {total:,} cases. Wrong on {where}{rest}."


def _declared(contract: Contract) -> Any:
    order = {regime.name: index for index, regime in enumerate(contract.regimes)}
    return lambda name: (order.get(name, len(order)), name)
