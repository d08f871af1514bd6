"""CPU seconds of red-dwarf's pipeline on a file of votes that bench_math wrote. Run by run_math.

math_peer.py VOTES: {"cpu_s": ..., "groups": ...}
"""
import json
import sys
import time

from reddwarf.implementations.polis import run_pipeline


def read(path):
    votes, zeroed = [], []
    with open(path) as lines:
        for line in lines:
            fields = line.strip().split(",")
            if fields[0] == "zeroed":
                zeroed = [int(number) for number in fields[1:]]
            else:
                participant, statement, vote = map(int, fields)
                votes.append({"participant_id": participant, "statement_id": statement, "vote": vote})
    return votes, zeroed


def run(votes, zeroed):
    begun = time.process_time()
    result = run_pipeline(votes=votes, mod_out_statement_ids=zeroed, random_state=0)
    return time.process_time() - begun, result


def main():
    votes, zeroed = read(sys.argv[1])
    # What is loaded and compiled at the first use is not counted.
    run([{"participant_id": p, "statement_id": s, "vote": (p * s) % 3 - 1}
         for p in range(40) for s in range(1, 12)], [])
    taken, result = run(votes, zeroed)
    clusters = result.participants_df["cluster_id"].dropna()
    print(json.dumps({"cpu_s": taken, "groups": int(clusters[clusters >= 0].nunique())}))


if __name__ == "__main__":
    main()
