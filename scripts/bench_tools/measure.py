"""Processes that are asked for passes in turn, and the peak memory of processes."""
import json
import resource
import statistics
import subprocess
import sys
import time

ENOUGH = 45  # seconds


class Asked:
    """A process that answers each request with the seconds its work took."""

    def __init__(self, command):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __call__(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self.process.args[0]} ended with {self.process.wait()}")
        return float(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def in_turn(rounds, works):
    """{name: {"min", "median"}} of works run in turn, after one round that is not counted. Slow
    ones are counted less often than `rounds`, but twice."""
    seconds = {name: [] for name in works}
    begin = time.monotonic()
    for number in range(rounds + 1):
        for name, work in works.items():
            spent = work()
            if number > 0:
                seconds[name].append(spent)
        if number >= 2 and time.monotonic() - begin > ENOUGH:
            break
    return {name: {"min": min(values), "median": statistics.median(values), "rounds": len(values)}
            for name, values in seconds.items()}


def peak_mib(command, text=""):
    """The most memory that a command had resident, in MiB. A small process starts it: what a
    process that forks has resident counts for the child."""
    done = subprocess.run([sys.executable, __file__, *map(str, command)], input=text,
                          capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed: {done.stderr}")
    return float(done.stdout)


def main(*command):
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
