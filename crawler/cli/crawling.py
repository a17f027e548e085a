"""The verbs around a crawl: try the sample, make the tables, crawl, look at crawls, check this machine."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from crawler.cli.asking import show_articles, show_thread
from crawler.cli.shown import NUMBER, as_json, example, print_json, print_table
from crawler.environment import Environment
from crawler.storage import database, queries
from crawler.thread_tree import day_and_time


@click.command(epilog=example("crawler sample", "crawler sample --serve"))
@click.option(
    "--serve", is_flag=True, help="Only serve the sample site, to crawl it yourself; Ctrl-C ends it."
)
@click.option(
    "--edition", default="en", show_default=True, type=click.Choice(["en", "ru"]), help="With --serve."
)
@click.option(
    "--folder", default="sample-run", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
def sample(serve: bool, edition: str, folder: Path) -> None:
    """Try everything on a small made-up site, without the network.

    Serves the sample site on this machine, crawls both its editions into a database of its own under sample-run/, and
    shows what was stored. Your own database is not touched.
    """
    from crawler import sample_run as run  # only this verb needs the sample site

    if serve:
        run.serve(edition, click.echo)
        return
    run.crawl(folder, click.echo)
    url = run.database_url(folder)
    click.echo("\nStored articles:")
    show_articles(url, edition=None, limit=30)
    click.echo(f"\nOne thread, in the order of reading (crawler thread {run.SHOWN_ARTICLE}):\n")
    show_thread(url, run.SHOWN_ARTICLE, edition="en")
    click.echo(run.next_steps(folder))


@click.command(
    epilog=example(
        "crawler migrate", "DATABASE_URL=postgresql+psycopg://me@localhost/archive crawler migrate"
    )
)
def migrate() -> None:
    """Make the tables, or bring them to the version that this program needs."""
    url = Environment().database_url
    database.migrate(url)
    click.echo(f"{database.shown(url)} has schema version {database.HEAD}.")


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=example(
        "crawler crawl",
        "crawler crawl military_review -a edition=en -a ids=128836",
        "crawler crawl military_review -a since=2017-11-01 -a until=2017-11-30 -s LOG_LEVEL=INFO",
    ),
)
@click.argument(
    "arguments", nargs=-1, type=click.UNPROCESSED, metavar="[SPIDER] [-a NAME=VALUE]… [-s SETTING=VALUE]…"
)
def crawl(arguments: Sequence[str]) -> None:
    """Crawl once: discover articles, visit those that are due, store them, stop.

    The same as `scrapy crawl`, from any folder; the spider is military_review unless another is named. README.md lists
    the arguments and exit codes.
    """
    from scrapy.cmdline import execute  # importing Scrapy takes half a second that other verbs need not wait

    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "crawler.settings")
    spider = [] if arguments and not arguments[0].startswith("-") else ["military_review"]
    execute(["scrapy", "crawl", *spider, *arguments])


@click.command(epilog=example("crawler crawls", "crawler crawls --limit 1 --json"))
@click.option("--limit", default=10, show_default=True, type=NUMBER, help="At most so many.")
@as_json
def crawls(limit: int, as_json: bool) -> None:
    """Crawls, newest first: what each did and how it ended."""
    with database.reading(Environment().database_url) as connection:
        rows = queries.newest_crawls(connection, limit=limit)
    if as_json:
        print_json([dict(row) for row in rows])
        return
    now = datetime.now(UTC)
    print_table(
        [
            "crawl",
            "edition",
            "state",
            "started",
            "minutes",
            "pages",
            "articles",
            "new",
            "changed",
            "errors",
            "why it ended",
        ],
        (
            [
                row["id"],
                row["edition"],
                row["state"],
                day_and_time(row["started_at"], ZoneInfo(row["time_zone"])),
                f"{((row['finished_at'] or now) - row['started_at']).total_seconds() / 60:.1f}",
                row["pages"],
                row["articles"],
                row["comments_new"],
                row["comments_changed"],
                row["errors"],
                row["finish_reason"] or "",
            ]
            for row in rows
        ),
        nothing="No crawl yet. `crawler crawl` starts one.",
    )


@click.command(epilog=example("crawler doctor", "crawler doctor --site"))
@click.option(
    "--site", is_flag=True, help="Ask the live site what nobody knows of it yet; about 20 polite requests."
)
@click.option("--edition", default="en", show_default=True, help="With --site: which edition to ask first.")
@click.option("--base-url", help="With --site: where the requests go instead of the edition's own host.")
@click.option(
    "--folder", default="site-answers", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--delay",
    type=click.FloatRange(min=0),
    help="With --site: seconds between requests; under 1 on this machine only.",
)
@as_json
def doctor(
    site: bool, edition: str, base_url: str | None, folder: Path, delay: float | None, as_json: bool
) -> None:
    """Check what a crawl needs: database, schema, archive folder, disk space, clock; say what to do."""
    if site:
        # Importing Scrapy takes half a second that the other checks need not wait.
        from crawler.survey import ask_site

        sys.exit(ask_site(edition, base_url, folder, click.echo, delay_s=delay))

    from crawler import doctor as checks

    findings = checks.findings(Environment())
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            click.echo(finding.line)
    sys.exit(checks.exit_code(findings))
