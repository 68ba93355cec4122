"""What prelabel costs to run: beside the reference, if a checkout of it is named.

    python benchmarks/speed.py DATA --reference ../label-studio-ml-backend > speed.md

Texts are pieces of fifty words of a data set, by default of 20 labels; where it has too few, runs
of ten words of texts of one label are put together. Costs are CPU seconds of all processes of a
server, read from ``/proc``: they hardly depend on what else the machine does. Both servers answer
in turn, and a ratio is one of neighbours; ± is the standard deviation over the rounds. The
reference is label-studio-ml-backend with its ``sklearn_text_classifier``, served as its Dockerfile
does; its environment must be in ``.venv`` of the checkout. What both have learned is kept in
``--work``: a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from arguments import make_parser
from comparison import Figure, write_figures
from contenders import Contenders
from data_sets import read_sets
from measurements import ROWS, Plan
from servers import Reference
from workload import make_workload

_POOL = 5_000
_PREDICTED = 4_000
_FURTHER = 500  # labels that come while it is measured


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--set", default="20news", help="which of them (default: 20news)")
    parser.add_argument("--reference", type=Path, help="a checkout of label-studio-ml-backend")
    parser.add_argument("--reference-python", type=Path, help="default: its .venv/bin/python")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--served", type=int, default=10_000, help="labels of the served version (default: 10,000)"
    )
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[1_000, 10_000], help="labels before the next one"
    )
    parser.add_argument(
        "--max-iter",
        type=int,
        help="above 10,000 labels let the reference's solver do so many iterations, for a lower "
        "bound (default: it is not run: 100,000 labels take more than 20 GB)",
    )
    parser.add_argument("--work", type=Path, help="folder that keeps what was learned")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        figures = _measure(arguments, arguments.work or Path(temporary))
    sys.stdout.write(write_figures(figures))


def _measure(arguments: argparse.Namespace, folder: Path) -> list[Figure]:
    data = next(read_sets(arguments.folder, [arguments.set], max_texts=100_000))
    n_examples = max(arguments.served, *arguments.labels) + _FURTHER
    work = make_workload(data, n_examples, n_pool=_POOL, n_predicted=_PREDICTED)
    contenders = Contenders(
        work=work,
        folder=folder.absolute(),
        reference=Reference.find(arguments.reference, arguments.reference_python),
    )
    plan = Plan(
        contenders=contenders,
        rounds=arguments.rounds,
        served=arguments.served,
        labels=arguments.labels,
        max_iter=arguments.max_iter,
    )
    figures = []
    for row in arguments.rows:
        sys.stderr.write(f"{row}\n")
        for figure in ROWS[row](plan):
            sys.stderr.write(write_figures([figure]))
            figures.append(figure)
    return figures


if __name__ == "__main__":
    main()
