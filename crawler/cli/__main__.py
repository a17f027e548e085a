"""`python -m crawler.cli`: the command `crawler` where it is not on the path."""

from crawler.cli import main

if __name__ == "__main__":  # processes that reparse starts import this module under another name
    main(prog_name="crawler")
