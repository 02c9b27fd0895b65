"""junit.xml: a suite for each target, a case for each test, and the verdict on each requirement as a property of it."""

import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element, SubElement

from . import text
from .catalogue import Catalogue
from .records import clean
from .results import Fault, RunResults, TargetRun, TestResult
from .summary import count_tests


def render(run: RunResults, catalogue: Catalogue) -> str:
    """The results as JUnit's XML; a fault of the run that belongs to no test is a case with an error."""
    root = Element("testsuites", name="ipck")
    for target in run.targets:
        if not target.unavailable or target.faults:
            root.append(_suite(target, catalogue, run.started))
    ElementTree.indent(root, "")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(run: TargetRun, catalogue: Catalogue, started: str) -> Element:
    counts = count_tests(run)
    suite = Element(
        "testsuite",
        name=clean(run.target),
        tests=str(counts["total"]),
        failures=str(counts["failed"]),
        errors=str(counts["errors"]),
        skipped=str(counts["skipped"] + counts["known"]),
        time=f"{run.seconds:.3f}",
        timestamp=clean(started[:19]),  # its schema has no time zone; this is UTC
    )
    for test in run.tests:
        suite.append(_case(test, catalogue))
    for number, fault in enumerate(run.faults, 1):
        suite.append(_fault(fault, number))
    return suite


def _case(test: TestResult, catalogue: Catalogue) -> Element:
    case = Element(
        "testcase",
        classname=clean(test.target),
        name=clean(test.test),
        file=clean(test.file),
        line=str(test.line),
        time=f"{test.seconds:.3f}",
    )
    properties = SubElement(case, "properties")
    for verdict in test.verdicts:
        SubElement(properties, "property", name=clean(verdict.requirement), value=verdict.outcome)
    if test.outcome in ("skip", "known"):
        SubElement(case, "skipped", type=test.outcome, message=clean(text.brief(test)))
    elif test.outcome != "pass":
        kind = "error" if test.outcome == "error" else "failure"
        child = SubElement(case, kind, type=test.outcome, message=clean(text.brief(test)))
        child.text = clean(text.explain(test, catalogue))
    return case


def _fault(fault: Fault, number: int) -> Element:
    case = Element("testcase", classname=clean(fault.target), name=f"fault-{number}", time="0.000")
    child = SubElement(case, "error", type="fault", message=clean(fault.message.partition("\n")[0]))
    child.text = clean(fault.message)
    return case
