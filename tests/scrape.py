"""Whether what the daemon counts is read by Prometheus' own parser, and has every metric that dashboard and alerts name.

    scrape.py FILE...        in a system with a running daemon, and prometheus_client on the path of modules
"""

import re
import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families

text = subprocess.run(["expacti", "metrics"], check=True, capture_output=True, text=True).stdout
names, events = set(), set()
families = 0
for family in text_string_to_metric_families(text):
    families += 1
    assert family.type in ("counter", "gauge", "histogram"), f"{family.name} has no type"
    assert family.documentation, f"{family.name} says nothing of itself"
    endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[family.type]
    names |= {family.name + ending for ending in endings}
    for sample in family.samples:
        assert sample.name in names, sample
        events |= {value for label, value in sample.labels.items() if label == "event"}

for path in sys.argv[1:]:
    with open(path) as file:
        page = file.read()
    named = set(re.findall(r"\bexpacti_[a-z_]+\b", page))
    assert named, f"{path} names no metric"
    assert named <= names, f"{path} names {sorted(named - names)}, which the daemon does not give"
    for quoted in re.findall(r'event=~?\\?"([^"\\]+)', page):
        for event in quoted.split("|"):
            assert any(re.fullmatch(event, known) for known in events), f"{path}: the kernel programs do not count {event}"
print(f"{families} families of metrics")
