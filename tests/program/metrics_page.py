"""The page /metrics, taken apart, and the rules that its names keep."""
import re
import urllib.request

from program import SECONDS

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
PARTS = ("_bucket", "_sum", "_count")
# Of what Prometheus asks of names (promtool check metrics): base units in full, and no type in a name.
NO_UNITS = {"milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks", "kilobytes",
            "megabytes", "gigabytes", "bits", "percent", "ms", "us", "ns", "s", "sec", "b", "kb", "mb", "gb"}
TYPES = {"gauge", "counter", "histogram", "summary"}
LABELS = {"projection", "partition", "generation", "status", "reason", "table", "from", "part", "version", "le",
          "domain"}


class Family:
    def __init__(self, name):
        self.name, self.type, self.help, self.samples = name, None, None, {}


def read(http):
    """Families by name; each sample by its name and labels."""
    with urllib.request.urlopen(http + "/metrics", timeout=SECONDS) as answer:
        return parse(answer.read().decode())


def parse(text):
    families = {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, what, name, rest = line.split(" ", 3)
            family = families.setdefault(name, Family(name))
            assert getattr(family, what.lower()) is None, f"{what} of {name} twice"
            setattr(family, what.lower(), rest)
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        owner = name if name in families else next(name.removesuffix(part) for part in PARTS if name.endswith(part))
        key = (name, frozenset(LABEL.findall(labels or "")))
        assert key not in families[owner].samples, f"{line}: twice"
        families[owner].samples[key] = float(value)
    return families


def faults(families):
    """What promtool would not call clean, and labels that nobody has agreed on."""
    for name, family in families.items():
        words = name.split("_")
        if not family.help:
            yield f"{name}: no help"
        if family.type not in TYPES:
            yield f"{name}: no type"
        if (family.type == "counter") != name.endswith("_total"):
            yield f"{name}: a counter, and nothing else, ends in _total"
        if name.endswith(PARTS):
            yield f"{name}: ends as a part of a histogram"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            yield f"{name}: not in snake case"
        if NO_UNITS & set(words):
            yield f"{name}: not in base units"
        if TYPES & set(words):
            yield f"{name}: has a type in its name"
        for _, labels in family.samples:
            for label, _ in labels:
                if label not in LABELS:
                    yield f"{name}: the label {label}"


def documented(page):
    """What docs/operate.md tells of: labels of its own by name, or by beginning where that ends in a star."""
    table = re.search(r"^### Metrics$(.*?)^### ", page, re.DOTALL | re.MULTILINE)[1]
    names = re.findall(r"`(sluice_[a-z_]+\*?)(?:\{([a-z,]+)\})?`",
                       "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    return {name: set(filter(None, labels.split(","))) for name, labels in names}


def departures(families, told):
    """What of a page is not as documented, and what is documented and not there."""
    beginnings = tuple(name[:-1] for name in told if name.endswith("*"))
    for name, family in families.items():
        if name.startswith(beginnings):
            continue
        if name not in told:
            yield f"{name}: nothing tells of it"
            continue
        for sample, labels in family.samples:
            found = {label for label, _ in labels} - {"projection", "partition", "le"}
            if found != told[name]:
                yield f"{sample}: labels {found}, not {told[name]}"
    for name in told:
        if not any(shown.startswith(name[:-1]) if name.endswith("*") else shown == name for shown in families):
            yield f"{name}: not shown"


def values(families, name, *by):
    """Sums by the values of these labels, of a family or a part of one; {} where there is none."""
    sums = {}
    for family in families.values():
        for (sample, labels), value in family.samples.items():
            if sample == name:
                key = tuple(dict(labels).get(label) for label in by)
                sums[key] = sums.get(key, 0) + value
    return sums
