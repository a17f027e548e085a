"""The verbs that look closely at one page."""

import sys

import click

from crawler.cli.shown import as_json, example, print_json

delay = click.option(
    "--delay",
    "delay_s",
    type=click.FloatRange(min=0),
    help="Seconds between requests; under 1 on this machine only.",
)


@click.command(
    epilog=example(
        "crawler probe https://en.topwar.ru/128836-irakskaya-armiya.html",
        "crawler probe site-answers/article.en.html --json",
        "crawler probe page.html --url https://en.topwar.ru/128836-irakskaya-armiya.html --save irak_2017",
    )
)
@click.argument("place", metavar="URL|FILE")
@click.option("--edition", help="Which edition; by default the one whose host the address has.")
@click.option("--url", help="The address of a FILE that does not name its own.")
@click.option("--save", metavar="CASE", help="Keep the page as a test case of this name.")
@click.option("--force", is_flag=True, help="With --save: write over a case of this name.")
@delay
@as_json
def probe(
    place: str,
    edition: str | None,
    url: str | None,
    save: str | None,
    force: bool,
    delay_s: float | None,
    as_json: bool,
) -> None:
    """Look closely at one page: what is read, by which selector, and what is not.

    FILE may be the folder of a test case. For comments in a skin that nobody has seen one is proposed. Ends with 0
    where the page is understood, 5 where it is not.
    """
    from crawler import probe as probing

    found, folder = probing.probe(place, url=url, edition=edition, delay_s=delay_s, save=save, force=force)
    if as_json:
        print_json(probing.as_dict(found))
    else:
        for line in probing.lines(found):
            click.echo(line)
    if folder is not None:
        click.echo(f"Saved in {folder}: correct expected.json by hand.", err=True)
    sys.exit(found.exit_code)


@click.command(
    epilog=example("crawler save-page https://en.topwar.ru/128836-irakskaya-armiya.html irak_2017")
)
@click.argument("url")
@click.argument("case")
@click.option("--edition", help="Which edition; by default the one whose host the address has.")
@click.option("--force", is_flag=True, help="Write over a case of this name.")
@delay
def save_page(url: str, case: str, edition: str | None, force: bool, delay_s: float | None) -> None:
    """Keep the page at URL as the test case CASE, with a draft of what should be read from it.

    Ends with 0 where the page is understood, 5 where it is not; it is saved in either case.
    """
    from crawler import probe as probing

    found, folder = probing.probe(url, edition=edition, delay_s=delay_s, save=case, force=force)
    click.echo(f"{folder}: {found.stopped_by or found.kind}. Correct expected.json by hand.")
    sys.exit(found.exit_code)
