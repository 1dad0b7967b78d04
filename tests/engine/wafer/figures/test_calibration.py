"""Constants: the stored values are what the fit gives, the errors are what is claimed."""

import pytest

from engine.inspection import served_graph
from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.fits import fit_decode, fit_dedicated, fit_multicast, fit_prefill
from engine.wafer.figures.measured_rows import (
    DECODE_ROWS,
    MULTICAST_ROWS,
    PREFILL_ROWS,
    WAFERLLM_CLOCK_GHZ,
    DecodeRow,
    PrefillRow,
)
from engine.wafer.figures.served import ServedModel
from engine.wafer.figures.served_rows import DEDICATED_ROWS, PRODUCT_BODY_CYCLES
from engine.wafer.figures.targets.prefill_targets import placed_as_measured
from engine.wafer.program import machine

WSE2, WSE3 = machine.get("wse2"), machine.get("wse3")


def decode_error(row: DecodeRow) -> float:
    cycles = waferllm.total(row.layer.operations(WSE2, calibration.WSE2_DECODE))
    return cycles / row.cycles - 1


def prefill_error(row: PrefillRow) -> float:
    cycles = waferllm.total(row.layer.operations(WSE2, calibration.WSE2_PREFILL))
    return cycles / row.cycles - 1


# ── the rows ────────────────────────────────────────────────────────────────────────────────


def test_decode_rows_are_the_published_rates_as_cycles() -> None:
    cycles = {row.name: round(row.cycles) for row in DECODE_ROWS}

    assert cycles["LLaMA3-8B @420²"] == 12732
    assert cycles["LLaMA3-8B @660²"] == 15323
    assert cycles["QWen2-72B @540²"] == 16681


def test_prefill_rows_are_the_published_rates_as_cycles() -> None:
    megacycles = {row.name: round(row.cycles / 1e6, 3) for row in PREFILL_ROWS}

    assert megacycles["LLaMA3-8B @480²"] == 6.929
    assert megacycles["QWen2-72B @720²"] == 12.737


def test_rows_are_kept_out_of_every_fit() -> None:
    for rows in (DECODE_ROWS, PREFILL_ROWS, MULTICAST_ROWS):
        kept_out = [row for row in rows if not row.fitted]
        assert len(kept_out) >= 2
        assert len(kept_out) < len(rows)
    assert {row.model for row in PREFILL_ROWS if not row.fitted} >= {"LLaMA2-13B"}
    assert not any(row.fitted for row in PREFILL_ROWS if row.model == "LLaMA2-13B")


# ── fitted again ────────────────────────────────────────────────────────────────────────────


def test_stored_decode_constants_are_the_fit() -> None:
    fitted = fit_decode([r for r in DECODE_ROWS if r.fitted], WSE2)

    stored = calibration.WSE2_DECODE
    assert stored.vector_overhead_cycles == pytest.approx(fitted.vector_overhead_cycles)
    assert stored.collective_cycles == pytest.approx(fitted.collective_cycles, abs=1e-3)
    assert stored.wavelet_cycles == pytest.approx(fitted.wavelet_cycles, abs=1e-3)


def test_stored_prefill_constants_are_the_fit() -> None:
    fitted = fit_prefill([r for r in PREFILL_ROWS if r.fitted], WSE2)

    stored = calibration.WSE2_PREFILL
    assert stored.vector_overhead_cycles == pytest.approx(fitted.vector_overhead_cycles, abs=1e-3)
    assert stored.step_cycles == pytest.approx(fitted.step_cycles, abs=1e-3)


def test_stored_constants_of_a_dedicated_prefill_are_the_fit() -> None:
    served = ServedModel(served_graph())
    rows = [(placed_as_measured(served, r), r.cycles) for r in DEDICATED_ROWS if r.fitted]
    vectors = (8 * 16 + 8 * 8 + 8 * 48 + 24 * 8) / 4  # a step's mean over q k v, o, up gate, down
    overhead = PRODUCT_BODY_CYCLES / vectors - 1

    fitted = fit_dedicated(rows, WSE3, overhead)

    stored = calibration.WSE3_DEDICATED
    assert stored.vector_overhead_cycles == pytest.approx(overhead, abs=1e-5)
    assert stored.step_cycles == pytest.approx(fitted.step_cycles, abs=1e-2)
    assert stored.attention_step_cycles == pytest.approx(fitted.attention_step_cycles, abs=1e-2)


def test_the_machine_has_the_dispatch_and_the_rate_of_the_measured_multicast() -> None:
    dispatch, inject = fit_multicast([row for row in MULTICAST_ROWS if row.fitted], WSE3)

    assert WSE3.dispatch_cycles == pytest.approx(dispatch, abs=1e-6)
    assert WSE3.inject_cycles_per_wavelet == pytest.approx(inject, abs=1e-9)


def test_a_fit_finds_the_constants_that_made_its_rows() -> None:
    """Rows made up with known constants give them back."""
    from dataclasses import replace

    truth = waferllm.DecodeConstants(9.0, 400.0, 12.0)
    rows = []
    for row in DECODE_ROWS:
        cycles = sum(c for _, c in row.layer.operations(WSE2, truth))
        rate = WAFERLLM_CLOCK_GHZ * 1e9 / (cycles * row.layers)
        rows.append(replace(row, tokens_per_second=rate))

    found = fit_decode(rows, WSE2)

    assert found.vector_overhead_cycles == pytest.approx(9.0, abs=1e-3)
    assert found.collective_cycles == pytest.approx(400.0, abs=1e-2)
    assert found.wavelet_cycles == pytest.approx(12.0, abs=1e-3)


# ── errors ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", [r for r in DECODE_ROWS if r.fitted], ids=lambda row: row.name)
def test_fitted_decode_rows_within_6_percent(row: DecodeRow) -> None:
    assert abs(decode_error(row)) <= 0.06


@pytest.mark.parametrize("row", [r for r in PREFILL_ROWS if r.fitted], ids=lambda row: row.name)
def test_fitted_prefill_rows_within_8_percent(row: PrefillRow) -> None:
    assert abs(prefill_error(row)) <= 0.08


def test_rows_kept_out_are_near() -> None:
    """Not a bound that was fitted to: what the model is worth on grids and models it never saw."""
    decode = [abs(decode_error(r)) for r in DECODE_ROWS if not r.fitted]
    prefill = [abs(prefill_error(r)) for r in PREFILL_ROWS if not r.fitted]

    assert max(decode) < 0.05
    assert max(prefill) < 0.08


# ── the table of constants ──────────────────────────────────────────────────────────────────


def test_constants_tell_origins_and_machines_apart() -> None:
    for constant in calibration.constants():
        assert constant.machine in ("wse2", "wse3")
        assert constant.unit
        assert constant.source
        if constant.origin is calibration.Origin.FITTED:
            assert constant.kept_out, constant.name
        if constant.origin is calibration.Origin.IDENTITY:
            assert not constant.fitted_on, constant.name


def test_constants_are_the_machines_own() -> None:
    values = {(c.machine, c.name): c.value for c in calibration.constants()}

    assert values["wse3", "inject"] == WSE3.inject_cycles_per_wavelet
    assert values["wse2", "dispatch"] == WSE2.dispatch_cycles == 0


def test_what_is_calibrated() -> None:
    assert calibration.is_calibrated("wse3", "multicast")
    assert calibration.is_calibrated("wse2", "decode-layer")
    assert not calibration.is_calibrated("wse3", "decode-layer")
    assert not calibration.is_calibrated("tiny", "multicast")
