"""Command line that turns log files into a table of requests by path and status."""

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path

LINE = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] '
    r'"(?P<method>[A-Z]+) (?P<path>\S+) [^"]*" '
    r"(?P<status>\d{3}) (?P<size>\d+|-)"
)


def open_log(path):
    """Open a log file, compressed or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")


def read_requests(paths):
    """Yield every request of all files as a dictionary."""
    for path in paths:
        with open_log(path) as file:
            for line in file:
                match = LINE.match(line)
                if match is None:
                    continue
                request = match.groupdict()
                request["status"] = int(request["status"])
                request["size"] = 0 if request["size"] == "-" else int(request["size"])
                yield request


def normalise(path):
    """Return a path without its query and with numbers replaced."""
    path = path.partition("?")[0]
    parts = [":id" if part.isdigit() else part for part in path.split("/")]
    return "/".join(parts)


class Summary:
    """Counts of requests."""

    def __init__(self):
        self.requests = 0
        self.bytes = 0
        self.by_path = Counter()
        self.by_status = Counter()
        self.by_method = Counter()
        self.errors_by_path = Counter()

    def add(self, request):
        """Count a request."""
        path = normalise(request["path"])
        self.requests += 1
        self.bytes += request["size"]
        self.by_path[path] += 1
        self.by_status[request["status"]] += 1
        self.by_method[request["method"]] += 1
        if request["status"] >= 500:
            self.errors_by_path[path] += 1

    def error_rate(self, path):
        """Return the share of requests to a path that failed."""
        requests = self.by_path[path]
        if requests == 0:
            return 0.0
        return self.errors_by_path[path] / requests

    def as_dict(self, limit):
        """Return the counts for JSON."""
        return {
            "requests": self.requests,
            "bytes": self.bytes,
            "paths": dict(self.by_path.most_common(limit)),
            "statuses": dict(sorted(self.by_status.items())),
            "methods": dict(sorted(self.by_method.items())),
        }

    def print_table(self, limit, file=sys.stdout):
        """Print the paths with the most requests."""
        print(f"{'path':40} {'requests':>10} {'errors':>8}", file=file)
        for path, requests in self.by_path.most_common(limit):
            rate = self.error_rate(path)
            print(f"{path:40} {requests:10} {rate:8.1%}", file=file)
        print(f"{'all':40} {self.requests:10}", file=file)


def parse_arguments(arguments=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, help="log files, plain or compressed")
    parser.add_argument("--limit", type=int, default=20, help="paths to show")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--status", type=int, help="count only requests with this status")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Read the logs and print the summary."""
    options = parse_arguments(arguments)
    missing = [path for path in options.logs if not path.exists()]
    if missing:
        print(f"no such file: {missing[0]}", file=sys.stderr)
        return 1
    summary = Summary()
    for request in read_requests(options.logs):
        if options.status is None or request["status"] == options.status:
            summary.add(request)
    if options.json:
        print(json.dumps(summary.as_dict(options.limit), indent=2))
    else:
        summary.print_table(options.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
