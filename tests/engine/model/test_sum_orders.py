"""Orders are plain data that checks itself."""

from dataclasses import replace

import pytest

from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder, SumOrders


@pytest.mark.parametrize(("parts", "group"), [(0, 1), (1, 0), (4, 5), (-1, -1), (3, -1)])
def test_an_order_without_meaning_is_refused(parts, group):
    with pytest.raises(ValueError, match=f"parts={parts}, group={group}"):
        ReduceOrder(parts, group)


def test_a_chain_is_one_group():
    assert ReduceOrder.chain(7) == ReduceOrder(7, 7)


def test_one_core_has_one_part_everywhere():
    orders = SumOrders.single()
    assert {getattr(orders, name) for name in orders.__slots__} == {ReduceOrder(1, 1)}
    assert hash(orders) == hash(SumOrders.single())


def test_every_product_has_its_order_by_role():
    hidden, heads, ffn = (ReduceOrder(parts, 1) for parts in (2, 3, 4))
    orders = replace(SumOrders.single(), hidden=hidden, heads=heads, ffn=ffn)
    products = {role: orders.of(role) for role in Role if role.op == "matmul"}
    assert products == {
        Role.QKV: hidden,
        Role.OUT: heads,
        Role.GATE_UP: hidden,
        Role.DOWN: ffn,
        Role.HEAD: hidden,
    }
    with pytest.raises(KeyError):
        orders.of(Role.ROTARY)
