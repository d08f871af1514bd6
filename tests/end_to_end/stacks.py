"""Where the threads of a process stand, for a test that has waited in vain."""
import re
import shutil
import subprocess
from collections import Counter

FRAMES = 30
SECONDS = 60
# What says nothing of ours.
NOISE = re.compile(r"_|std::|\?\?|operator")


def stacks(pid):
    """A line for all threads that stand in the same place, innermost function first."""
    if not shutil.which("gdb"):
        return "install gdb to see where its threads stand"
    command = ["gdb", "-p", str(pid), "-batch", "-ex", f"thread apply all backtrace {FRAMES}"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    except subprocess.TimeoutExpired:
        return "gdb did not answer"
    threads = [re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?([^(\n]+?) \(", thread, re.MULTILINE)
               for thread in re.split(r"^Thread ", text, flags=re.MULTILINE)[1:]]
    places = Counter(" < ".join(name for name in thread if not NOISE.match(name))
                     for thread in threads)
    return "\n".join(f"{count} x {place}" for place, count in places.most_common())
