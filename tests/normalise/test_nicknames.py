"""Names: what people read, who is behind it, who looks like whom."""

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.items import Author
from crawler.normalise.nicknames import MAX_LENGTH, author, nickname, skeleton

any_text = st.text(st.characters(exclude_categories=()))  # surrogates too, as JSON may bring them


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("210ox", "210ox"),
        ("  Lord of\tthe\r\n Sith ", "Lord of the Sith"),
        ("Вася\N{NO-BREAK SPACE}\N{EM SPACE}Пупкин", "Вася Пупкин"),
        ("е\N{COMBINING DIAERESIS}ж", "ёж"),
        ("е\N{ZERO WIDTH SPACE}\N{COMBINING DIAERESIS}ж", "ёж"),  # composed only after cleaning
        ("admin\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "admingnp.exe"),
        ("ad\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}min", "admin"),
        ("a\x00b\x07c\x9fd", "abcd"),
        ("a\ud800b\udfffc", "abc"),
        ("a\ue000b\U0010fffdc", "abc"),
        ("a\ufffeb\U0001ffffc\ufdd0d", "abcd"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{COMBINING GRAPHEME JOINER}", ""),
        ("\N{BRAILLE PATTERN BLANK}", ""),
        ("heart\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}", "heart\N{HEAVY BLACK HEART}"),
        ("\u0378", "\u0378"),  # not assigned yet, so perhaps a letter tomorrow
        ("АДМИН admin", "АДМИН admin"),
        ("x" * 1000, "x" * MAX_LENGTH),
        ("z" + "\N{COMBINING ACUTE ACCENT}" * 1000, "ź" + "\N{COMBINING ACUTE ACCENT}" * (MAX_LENGTH - 1)),
        ("x" * (MAX_LENGTH - 1) + " y", "x" * (MAX_LENGTH - 1)),
    ],
)
def test_a_name_as_people_read_it(raw: str, shown: str) -> None:
    assert nickname(raw) == shown


@settings(deadline=None, max_examples=300)
@given(any_text)
@example("\N{HANGUL CHOSEONG KIYEOK}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL JUNGSEONG A}")
@example("\N{EN QUAD}\N{COMBINING DIAERESIS}")
def test_any_name_is_clean_and_reading_it_again_changes_nothing(raw: str) -> None:
    name = nickname(raw)
    assert nickname(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(c) for c in name} & {"Cc", "Cf", "Co", "Cs"}
    assert name == " ".join(name.split())
    assert len(name) <= MAX_LENGTH
    name.encode()


def given_author(**fields: Any) -> Author | None:
    return author(**({"nickname_raw": "", "kind": "member", "profile_name": None} | fields))


@pytest.mark.parametrize(
    ("fields", "key", "kind"),
    [
        ({"nickname_raw": "Partyzan", "profile_name": "Партизан"}, "партизан", "member"),
        (
            {"nickname_raw": "x", "profile_name": " А  b\N{ZERO WIDTH SPACE}!"},
            " а  b\N{ZERO WIDTH SPACE}!",
            "member",
        ),
        ({"nickname_raw": "x", "profile_name": "Straße"}, "strasse", "member"),
        ({"nickname_raw": " Вася\N{NO-BREAK SPACE}П ", "kind": "guest"}, "guest:вася п", "guest"),
        ({"nickname_raw": "Вася", "kind": "unknown"}, "unknown:вася", "unknown"),
        ({"nickname_raw": "Вася", "kind": "member"}, "unknown:вася", "unknown"),
        ({"nickname_raw": "Вася", "kind": "unknown", "profile_name": "петя"}, "unknown:вася", "unknown"),
    ],
)
def test_identity_is_the_profile_name_not_the_text(fields: dict[str, Any], key: str, kind: str) -> None:
    who = given_author(**fields)
    assert who is not None
    assert (who.key, who.kind) == (key, kind)


def test_a_member_is_one_author_over_case_spacing_and_translation() -> None:
    spellings = [("ВАСЯ", "Вася"), (" Vasya ", "вася"), ("Basil", "ВАСЯ")]
    assert (
        len(
            {
                who.key
                for nick, profile in spellings
                if (who := given_author(nickname_raw=nick, profile_name=profile))
            }
        )
        == 1
    )


def test_look_alikes_and_guests_stay_apart_from_the_member() -> None:
    member = given_author(nickname_raw="Admin", profile_name="Admin")
    alike = given_author(nickname_raw="Аdmin", profile_name="Аdmin")
    guest = given_author(nickname_raw="Admin", kind="guest")
    assert member is not None
    assert alike is not None
    assert guest is not None
    assert len({member.key, alike.key, guest.key}) == 3
    assert member.skeleton == alike.skeleton == guest.skeleton


def test_the_rest_of_an_author_is_kept() -> None:
    assert given_author(
        nickname_raw="Вася", profile_name="Вася", full_name=" Василий \n Пупкин ", site_user_id=7
    ) == Author(
        key="вася",
        nickname="Вася",
        kind="member",
        skeleton=skeleton("Вася"),
        profile_name="Вася",
        full_name="Василий Пупкин",
        site_user_id=7,
    )


@pytest.mark.parametrize("kind", ["member", "guest", "unknown"])
@pytest.mark.parametrize("raw", ["", " ", "\N{ZERO WIDTH SPACE}", "\x00"])
def test_a_comment_that_names_nobody_has_no_author(raw: str, kind: str) -> None:
    assert given_author(nickname_raw=raw, kind=kind, profile_name="  ") is None


def test_a_member_without_a_readable_nickname_is_shown_by_the_profile_name() -> None:
    who = given_author(nickname_raw="\N{ZERO WIDTH SPACE}", profile_name="Vasya")
    assert who is not None
    assert who.nickname == "Vasya"


@settings(deadline=None, max_examples=200)
@given(any_text, st.sampled_from(["member", "guest", "unknown"]), st.none() | any_text, st.none() | any_text)
def test_any_author_can_be_stored(raw: str, kind: str, profile: str | None, full_name: str | None) -> None:
    who = given_author(nickname_raw=raw, kind=kind, profile_name=profile, full_name=full_name)
    if who is None:
        assert not nickname(raw)
    else:
        assert who.key
        assert who.nickname
        for text in (who.key, who.nickname, who.skeleton, who.profile_name or "", who.full_name or ""):
            assert "\0" not in text
            assert len(text.encode()) <= 4 * MAX_LENGTH


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Admin", "Аdmіn"),  # Cyrillic А, і
        ("paypal", "𝔭𝒶ypal"),
        ("O0l1I|", "00lll1"),
        ("rn", "m"),
        ("scope", "ѕсоре"),
        ("Nemo", "Νemo"),  # Greek Ν
        ("ﬁn", "fin"),
        ("ad\N{ZERO WIDTH SPACE}min", "admin"),
        ("ä", "a\N{COMBINING DIAERESIS}"),
        ("x\N{NO-BREAK SPACE}y", "x y"),
    ],
)
def test_look_alikes_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("admin", "Admin"), ("Вася", "Петя"), ("a", "b"), ("Я", "R")])
def test_others_do_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_a_skeleton_does_not_depend_on_the_normal_form(text: str) -> None:
    assert skeleton(unicodedata.normalize("NFC", text)) == skeleton(unicodedata.normalize("NFD", text))
