"""The program `spark-tui`: hand the arguments to the command line, nothing else."""

import sys


def main() -> None:
    """Run the program with the process's arguments and end with its exit code."""
    from tui.cli.main import run
    from tui.cli.streams import settle

    settle()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
