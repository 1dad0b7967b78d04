"""Orders of a small shop: parsed from rows, summed up by customer and by month."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path


class OrderError(ValueError):
    """A row that cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Item:
    """One line of an order."""

    article: str
    quantity: int
    price: Decimal

    @property
    def total(self) -> Decimal:
        """Return the price of all pieces."""
        return self.price * self.quantity


@dataclass
class Order:
    """An order of one customer."""

    number: int
    customer: str
    day: date
    items: list[Item] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Return the sum over all items."""
        return sum((item.total for item in self.items), Decimal(0))

    def add(self, item: Item) -> None:
        """Add an item; pieces of the same article at the same price are joined."""
        for index, known in enumerate(self.items):
            if known.article == item.article and known.price == item.price:
                quantity = known.quantity + item.quantity
                self.items[index] = Item(known.article, quantity, known.price)
                return
        self.items.append(item)


def parse_day(line: int, text: str) -> date:
    """Return the day in a cell."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise OrderError(line, f"no day: {text!r}") from error


def parse_number(line: int, text: str) -> int:
    """Return the whole number in a cell."""
    try:
        number = int(text.strip())
    except ValueError as error:
        raise OrderError(line, f"no number: {text!r}") from error
    if number <= 0:
        raise OrderError(line, f"the number must be positive: {number}")
    return number


def parse_price(line: int, text: str) -> Decimal:
    """Return the price in a cell."""
    try:
        price = Decimal(text.strip())
    except ArithmeticError as error:
        raise OrderError(line, f"no price: {text!r}") from error
    if price < 0:
        raise OrderError(line, f"the price must not be negative: {price}")
    return price


def read_orders(path: Path) -> dict[int, Order]:
    """Return all orders of a file by their numbers."""
    orders: dict[int, Order] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for line, row in enumerate(reader, start=2):
            number = parse_number(line, row["order"])
            if number not in orders:
                day = parse_day(line, row["day"])
                orders[number] = Order(number, row["customer"].strip(), day)
            quantity = parse_number(line, row["quantity"])
            price = parse_price(line, row["price"])
            orders[number].add(Item(row["article"].strip(), quantity, price))
    return orders


def totals_by_customer(orders: dict[int, Order]) -> dict[str, Decimal]:
    """Return what each customer spent."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders.values():
        totals[order.customer] += order.total
    return dict(sorted(totals.items(), key=lambda entry: -entry[1]))


def totals_by_month(orders: dict[int, Order]) -> dict[str, Decimal]:
    """Return what was spent in each month."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders.values():
        month = f"{order.day.year}-{order.day.month:02d}"
        totals[month] += order.total
    return dict(sorted(totals.items()))


def best_customers(orders: dict[int, Order], count: int = 10) -> list[tuple[str, Decimal]]:
    """Return the customers who spent the most."""
    totals = totals_by_customer(orders)
    return list(totals.items())[:count]
