"""Tests of a store's inventory."""

import pytest

from inventory import Inventory, OutOfStock, UnknownArticle


@pytest.fixture
def inventory():
    inventory = Inventory()
    inventory.add("apple", 10)
    inventory.add("pear", 5)
    inventory.add("plum", 0)
    return inventory


def test_counts_what_was_added(inventory):
    assert inventory.count("apple") == 10
    assert inventory.count("pear") == 5
    assert inventory.count("plum") == 0


def test_adding_twice_adds_up(inventory):
    inventory.add("apple", 3)
    assert inventory.count("apple") == 13


def test_an_unknown_article_is_an_error(inventory):
    with pytest.raises(UnknownArticle) as error:
        inventory.count("cherry")
    assert error.value.article == "cherry"


def test_taking_makes_it_less(inventory):
    inventory.take("apple", 4)
    assert inventory.count("apple") == 6


def test_taking_all_leaves_nothing(inventory):
    inventory.take("pear", 5)
    assert inventory.count("pear") == 0


def test_taking_too_many_is_an_error(inventory):
    with pytest.raises(OutOfStock) as error:
        inventory.take("pear", 6)
    assert error.value.article == "pear"
    assert error.value.missing == 1


def test_taking_too_many_changes_nothing(inventory):
    with pytest.raises(OutOfStock):
        inventory.take("pear", 6)
    assert inventory.count("pear") == 5


@pytest.mark.parametrize("quantity", [0, -1, -10])
def test_a_quantity_is_positive(inventory, quantity):
    with pytest.raises(ValueError):
        inventory.take("apple", quantity)
    with pytest.raises(ValueError):
        inventory.add("apple", quantity)


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        ("apple", True),
        ("pear", True),
        ("plum", False),
    ],
)
def test_is_available(inventory, article, expected):
    assert inventory.is_available(article) is expected


def test_lists_articles_in_order(inventory):
    assert inventory.articles() == ["apple", "pear", "plum"]


def test_lists_available_articles(inventory):
    assert inventory.available() == ["apple", "pear"]


def test_removing_forgets_an_article(inventory):
    inventory.remove("plum")
    assert inventory.articles() == ["apple", "pear"]


def test_removing_an_unknown_article_is_an_error(inventory):
    with pytest.raises(UnknownArticle) as error:
        inventory.remove("cherry")
    assert error.value.article == "cherry"


def test_totals(inventory):
    assert inventory.total() == 15
    inventory.take("apple", 5)
    assert inventory.total() == 10


def test_saves_and_loads(inventory, tmp_path):
    path = tmp_path / "inventory.json"
    inventory.save(path)
    loaded = Inventory.load(path)
    assert loaded.articles() == inventory.articles()
    assert loaded.count("apple") == inventory.count("apple")
    assert loaded.count("pear") == inventory.count("pear")
