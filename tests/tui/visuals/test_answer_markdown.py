"""What of a model's Markdown is form, and what stays text."""

import pytest

from tui.visuals.answer_markdown import answer_parser, shown_markdown


def kinds(text: str) -> set[str]:
    tokens = answer_parser().parse(text)
    return {each.type for token in tokens for each in (token, *(token.children or ()))}


@pytest.mark.parametrize(
    "text",
    [
        "[here](file:///etc/passwd)",
        "![picture](http://a.b/c.png)",
        "<http://a.b>",
        "http://a.b",
        "[a][b]\n\n[b]: http://a.b",
        "<script>x</script>",
        "a <b>c</b>",
    ],
)
def test_links_pictures_and_html_stay_text(text: str) -> None:
    assert kinds(text) <= {"paragraph_open", "inline", "text", "softbreak", "paragraph_close"}


def test_code_lists_and_tables_are_form() -> None:
    found = kinds("# A\n- b\n\n```py\nc\n```\n\n| d |\n| - |\n| e |\n")
    assert {"heading_open", "bullet_list_open", "fence", "table_open"} <= found


def test_nothing_steers_the_terminal() -> None:
    assert shown_markdown("a\x1b]0;b\x07\n\tc\x9b") == "a␛]0;b␇\n\tc·"
