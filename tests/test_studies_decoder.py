"The decoder of the studies: lanes, masks, positions and decoding, where a chapter's reader would tire."

import pytest
import torch

from adaroute.studies.decoder import (
    POSITIONS,
    DecoderShape,
    LaneDecoder,
    Memory,
    TokenRows,
    decode_greedily,
    find_scheme,
    measure_gap,
    read_on,
    see_near,
    see_past,
)


def draw_rows(lanes=2, rows=3, columns=8, channels=1, seed=0):
    g = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 14, (lanes, rows, columns), generator=g)
    ids = torch.randint(1, 60, (lanes, rows, columns, channels), generator=g)
    return TokenRows(tokens, ids, see_past(columns), torch.arange(columns))


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("layers", [1, 2])
def test_later_tokens_change_nothing_earlier(position, layers):
    rows, decoder = (
        draw_rows(),
        LaneDecoder(DecoderShape(14, layers=layers, position=position), [0, 1]),
    )
    changed = rows.tokens.clone()
    changed[:, :, 5:] = 3
    before, after = decoder(rows), decoder(rows._replace(tokens=changed))
    assert torch.allclose(before[:, :, :5], after[:, :, :5], atol=1e-5)
    assert not torch.allclose(before[:, :, 5:], after[:, :, 5:], atol=1e-2)


@pytest.mark.parametrize("position", POSITIONS)
def test_reading_in_pieces_is_reading_at_once(position):
    rows, decoder = draw_rows(), LaneDecoder(DecoderShape(14, layers=2, position=position), [0, 1])
    memory = Memory()
    for columns in (slice(0, 3), slice(3, 4), slice(4, 8)):
        logits = read_on(decoder, rows.tokens[:, :, columns], rows.ids[:, :, columns], memory)
    assert torch.allclose(logits, decoder(rows)[:, :, -1], atol=1e-5)


@pytest.mark.parametrize("position", POSITIONS)
def test_decoding_stops_after_the_end_mark(position):
    rows, decoder = draw_rows(columns=14), LaneDecoder(DecoderShape(14, position=position), [0, 1])
    free = decode_greedily(decoder, rows.tokens[:, :, :8], rows.ids, 6, end=99)
    end = int(free[0, 0, 2])
    held = decode_greedily(decoder, rows.tokens[:, :, :8], rows.ids, 6, end=end)
    first = free[0, 0].tolist().index(end)
    assert held[0, 0, : first + 1].tolist() == free[0, 0, : first + 1].tolist()
    assert not held[0, 0, first + 1 :].any()


def test_gradients_of_lanes_do_not_mix():
    decoder = LaneDecoder(DecoderShape(14), [0, 1])
    decoder(draw_rows())[0].sum().backward()
    for name, weight in decoder.weights.items():
        assert weight.grad[0].abs().sum() > 0 or name == "place", name
        assert weight.grad[1].abs().sum() == 0, name


def test_hidden_tokens_are_as_good_as_absent():
    rows, decoder = draw_rows(), LaneDecoder(DecoderShape(14, position="none"), [0, 1])
    visible = see_past(8).clone()
    visible[..., 2] = False
    hidden = decoder(rows._replace(visible=visible, answers=torch.tensor([7])))
    left = torch.tensor([0, 1, 3, 4, 5, 6, 7])
    short = TokenRows(rows.tokens[:, :, left], rows.ids[:, :, left], see_past(7), torch.tensor([6]))
    assert torch.allclose(hidden, decoder(short), atol=1e-5)


def test_two_channels_read_two_tables_or_one():
    rows = draw_rows(channels=2)
    swapped = rows._replace(ids=rows.ids.flip(-1))
    for shared in (True, False):
        decoder = LaneDecoder(DecoderShape(14, channels=2, shared_table=shared), [0, 1])
        assert torch.allclose(decoder(rows), decoder(swapped), atol=1e-5) is shared


def test_gap_on_a_ring_is_the_shorter_way_and_channels_take_the_larger():
    ids = torch.tensor([[[1, 5], [10, 5], [0, 0]]])
    assert measure_gap(ids, ids, ring=10)[0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert measure_gap(ids, ids)[0].tolist() == [[0, 9, 0], [9, 0, 0], [0, 0, 0]]
    assert see_near(ids, 1, 10).all()


@pytest.mark.parametrize(
    "change", [dict(position="learned"), dict(width=30), dict(width=64, heads=5)]
)
def test_a_shape_that_cannot_be_is_refused_in_one_line(change):
    with pytest.raises(ValueError, match="expected .*, got ") as error:
        DecoderShape(14, **change)
    assert "\n" not in str(error.value)


def test_global_state_is_left_alone():
    before = torch.get_rng_state()
    LaneDecoder(DecoderShape(14), [0, 1])(draw_rows())
    assert torch.equal(before, torch.get_rng_state())
    assert find_scheme("rope").reading == "rope"


def test_attention_of_doubles_gets_a_mask_of_doubles():
    "Without it torch 2.13 misreads the mask from eight keys on (findings/): equal keys in any order."
    rows = draw_rows(lanes=1, rows=20, columns=12)
    order = torch.rand(20, 11, generator=torch.Generator().manual_seed(1)).argsort(1)
    first = rows.tokens[..., :11].gather(2, order[None])
    mixed = rows._replace(tokens=torch.cat([first, rows.tokens[..., 11:]], 2))
    decoder = LaneDecoder(DecoderShape(14, layers=1, position="none"), [0]).double()
    last = [decoder(r)[:, :, -1] for r in (rows, mixed)]
    torch.testing.assert_close(*last, rtol=0, atol=1e-12)


def compare_schemes(first, second, rows, others):
    "Answers of two schemes with the same weights."
    return (
        LaneDecoder(DecoderShape(14, layers=2, position=name), [0, 1])(read)
        for name, read in ((first, rows), (second, others))
    )


def test_alibi_without_distances_is_no_position_at_all():
    rows = draw_rows()
    here = rows._replace(ids=torch.full_like(rows.ids, 7))
    assert torch.allclose(*compare_schemes("alibi", "none", here, rows), atol=1e-6)
    apart = compare_schemes("alibi", "none", rows, rows)
    assert not torch.allclose(*apart, atol=1e-2)


def test_alibi_at_a_great_distance_is_a_hidden_key():
    rows = draw_rows()
    far, hidden = rows.ids.clone(), rows.visible.clone()
    far[:, :, :3] += 1_000_000
    hidden[:, :, 3:, :3] = False
    apart = compare_schemes("alibi", "alibi", rows._replace(ids=far), rows._replace(visible=hidden))
    assert torch.allclose(*(answers[:, :, 3:] for answers in apart), atol=1e-5)


def test_abacus_reads_the_ids_of_coupling_and_differs_in_none_but_marks():
    rows = draw_rows()
    assert torch.equal(*compare_schemes("abacus", "coupled", rows, rows))
