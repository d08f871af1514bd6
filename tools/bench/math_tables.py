"""Tables of what run_math has measured: a line of [ours, peer's] a size on standard input."""
import json
import math
import sys

results = [json.loads(line) for line in sys.stdin]


def size(ours):
    return f"{ours['votes']:,} votes, {ours['participants']:,} x {ours['opinions']:,}"


print("| conversation | snapshot | red-dwarf 0.4.0 | ratio | document, share of both | peak |")
print("|---|---|---|---|---|---|")
for ours, peer in results:
    theirs = f"{peer['cpu_s']:.2f} s" if peer else "not run"
    ratio = f"{peer['cpu_s'] * 1000 / ours['all_ms']:,.0f} x" if peer else ""
    share = 100 * ours["json_ms"] / (ours["json_ms"] + ours["all_ms"])
    print(f"| {size(ours)} | {ours['all_ms']:.2f} ms | {theirs} | {ratio} | {ours['json_bytes'] / 1000:,.0f} kB, "
          f"{ours['json_ms']:.2f} ms, {share:.0f} % | {ours['peak_mb']} MB |")

stages = list(results[0][0]["stages_ms"])
print("\n| ms | " + " | ".join(stages) + " |\n|---|" + "---|" * len(stages))
for ours, _ in results:
    print(f"| {ours['votes']:,} votes, {ours['opinions']:,} opinions | "
          + " | ".join(f"{ours['stages_ms'][stage]:.2f}" for stage in stages) + " |")

print("\n| log10 of votes | log10 of ms | ms a thousand votes | growth since the line before |\n|---|---|---|---|")
before = None
for ours, _ in sorted(results, key=lambda r: r[0]["votes"]):
    point = math.log10(ours["votes"]), math.log10(ours["all_ms"])
    slope = ""
    if before and point[0] > before[0]:
        slope = f"votes ^ {(point[1] - before[1]) / (point[0] - before[0]):.2f}"
    print(f"| {point[0]:.2f} | {point[1]:.2f} | {ours['all_ms'] / ours['votes'] * 1000:.3f} | {slope} |")
    before = point
