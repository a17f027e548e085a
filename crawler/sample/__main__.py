"""Serve the sample site until Ctrl + C: `python -m crawler.sample --edition ru --port 8000`."""

import argparse
import sys

from crawler.sample.content import EDITIONS
from crawler.sample.server import SampleSite


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m crawler.sample", description=__doc__)
    parser.add_argument("--edition", choices=EDITIONS, default="en")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any free one")
    arguments = parser.parse_args()
    try:
        site = SampleSite(edition=arguments.edition, port=arguments.port)
    except (OSError, OverflowError) as error:
        parser.exit(
            1, f"Port {arguments.port} cannot be had ({error}). Try --port 0, which takes any free one.\n"
        )
    sys.stdout.write(f"The sample site stands at {site.url}/ until you press Ctrl + C.\n")
    sys.stdout.flush()
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
