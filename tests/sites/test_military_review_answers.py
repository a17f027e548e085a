"""Answers to the script that loads comments: what is not to be trusted in them."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dle.addresses import AJAX, ajax_path
from crawler.errors import NotUnderstood
from crawler.items import CommentAnswer
from crawler.reading import read
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES

PATHS = [ajax_path(era, 5, 2, "vo") for era in AJAX]


def answered(body: bytes | str, path: str = PATHS[0]) -> CommentAnswer:
    answer = read(
        body if isinstance(body, bytes) else body.encode(),
        url=SITE.edition("ru").base_url + path,
        fetched_at=datetime(2026, 5, 1, tzinfo=UTC),
        edition=SITE.edition("ru"),
        charset=SITE.charset,
        pages=PAGES,
    )
    assert isinstance(answer, CommentAnswer)
    return answer


@pytest.mark.parametrize("path", PATHS)
def test_every_era_s_address_answers_comments(path: str) -> None:
    comment = "<div id='comment-id-7'><div id='comm-id-7'>words</div></div>"
    answer = answered(json.dumps({"navigation": "", "comments": comment}), path)
    assert (answer.article_id, answer.comments.number, answer.comments.pages) == (5, 2, None)
    assert [c.body for c in answer.comments.comments] == ["words"]
    assert answer.skin == "unknown"


@pytest.mark.parametrize(
    ("comments", "message"),
    [
        ("<div>" * 100_000, "deep"),
        ("<a " + "b " * 100_000 + ">", "attributes"),
        ("<div id='comment-id-7'>words</div>", "comment 7 has no text"),
        ("<p>words</p>", "answers no comments"),
    ],
)
def test_comments_are_as_suspect_as_a_page(comments: str, message: str) -> None:
    started = time.process_time()
    for body in (json.dumps({"comments": comments}), comments):
        with pytest.raises(NotUnderstood, match=message) as error:
            answered(body)
        assert "news_id=5" in str(error.value)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("body", ["<html></html>", "<script src='/x.js'></script>", "<p>words</p>"])
def test_an_empty_page_is_no_end_of_a_thread(body: str) -> None:
    with pytest.raises(NotUnderstood, match="answers no comments"):
        answered(body)
    assert answered('<div id="dle-ajax-comments"></div>').comments.comments == ()


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps).map(str.encode)
)
def test_what_is_no_answer_gives_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        answered(body)
