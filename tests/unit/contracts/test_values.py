"""What Redis holds, byte for byte, and that it is read as it was written."""

import pytest

from contracts.keys import ChangeHint, Fingerprint, ShardKeys, accepted_field, date_of_rows
from contracts.meta import Meta, encode_traces
from contracts.values import (
    HOUR_BUCKETS,
    HOUR_MEASURES,
    Cell,
    NameEntry,
    OpenKey,
    Row,
    encode_name,
    encode_row,
    join_counters,
    join_hours,
    row_field,
    row_pointer,
    split_counters,
    split_hours,
)

ROW = Row(
    task_id='T"1',
    contact_no=2,
    contact_date="2026-11-24",
    plan_date=None,
    due=None,
    deadline=29_900_000,
    operator="op,1",
    manager=None,
    client="c1",
    address="a1",
    origin=None,
    kind="planned",
    status="ordered",
    is_delivered=False,
    was_dropped=True,
    orders=(("o1", None),),
    calls=(("op,1", 1),),
    refusals=(),
    postponements=0,
    postpone_comment=None,
    comment="не звонить",
    last_call_at="2026-11-24T12:00:00+03:00",
)


def test_row_is_read_as_it_was_written() -> None:
    field, value = row_field(ROW.task_id, ROW.contact_no), encode_row(ROW[1:])
    assert field == r'["T\"1",2]'
    assert value.startswith(b'["2026-11-24",null,null,29900000,"op,1"')
    # JSON has no tuples: what is within a row is read as lists.
    read = Row.decode(field.encode(), value)
    assert [*map(str, read[:15])] == [*map(str, ROW[:15])]
    assert read.comment == ROW.comment


def test_pointer_is_never_taken_for_a_row() -> None:
    assert row_pointer("op-1") == b'{"holder":"op-1"}'
    assert row_pointer(None) == b'{"holder":null}'
    assert not encode_row(ROW[1:]).startswith(b"{")


@pytest.mark.parametrize("operator", ["op-1", None, 'a"],["b', ""])
def test_cell_and_deadline_are_read_as_they_were_written(operator: str | None) -> None:
    cell = Cell(operator, None, "2026-11-23")
    key = OpenKey(operator, None, "2026-11-23", 29_900_000, "planned")
    assert Cell.decode(cell.encode()) == cell
    assert OpenKey.decode(key.encode().encode()) == key


def test_counters_are_numbers_joined_by_commas() -> None:
    assert join_counters((1, 0, 12)) == "1,0,12"
    assert split_counters(b"1,0,12") == (1, 0, 12)


def test_hours_are_sparse_and_in_the_order_of_their_slots() -> None:
    last = HOUR_BUCKETS * len(HOUR_MEASURES) - 1
    assert last == 103
    assert join_hours({last: 2, 0: 1, 45: 12, 7: 0}) == b"0:1,45:12,103:2"
    assert split_hours(b"0:1,45:12,103:2") == {0: 1, 45: 12, 103: 2}
    assert split_hours(join_hours({44: 3})) == {44: 3}
    assert join_hours({44: 0}) == b""
    assert HOUR_MEASURES == ("calls", "refusals", "ordered", "processed")


def test_hours_of_a_date_stand_beside_its_cells() -> None:
    keys = ShardKeys("g1", 3)
    assert keys.hours("2026-11-24") == "g1:{3}:hours:2026-11-24"
    assert keys.cells("2026-11-24") == "g1:{3}:cells:2026-11-24"


def test_name_is_read_as_it_was_written() -> None:
    entry = NameEntry(1_764_000_000, "5", 1, "crm", "e1", "Анна")
    assert encode_name(entry) == '[1764000000,"5",1,"crm","e1","Анна"]'.encode()
    assert encode_name((1_764_000_000, "5", 1, "crm", "e1", "Анна")) == encode_name(entry)
    assert NameEntry.decode(encode_name(entry)) == entry


def test_traced_writes_after_a_seq_are_found() -> None:
    fields = {b"epoch": b"1-a", b"traces": encode_traces([(4, "00-a"), (5, "00-b")]).encode()}
    meta = Meta.decode(fields)
    assert meta is not None
    assert fields[b"traces"] == b'[[4,"00-a"],[5,"00-b"]]'
    assert meta.traced_since(4) == ["00-b"]
    assert Meta.decode({}) is None


def test_hint_is_read_as_it_was_written() -> None:
    hint = ChangeHint("g1", 3, 17, ("2026-11-24", "2026-11-25"))
    assert hint.encode() == b'["g1",3,17,["2026-11-24","2026-11-25"]]'
    assert ChangeHint.decode(hint.encode()) == hint


@pytest.mark.parametrize("operator", ["op-1", None, "a]"])
def test_key_of_rows_holds_its_date(operator: str | None) -> None:
    keys = ShardKeys("g1", 3)
    key = keys.rows("2026-11-24", operator)
    assert key.startswith(keys.rows_prefix_of("2026-11-24"))
    assert date_of_rows(key.removeprefix(keys.rows_prefix())) == "2026-11-24"
    assert keys.rows("2026-11-24", "op-1") == 'g1:{3}:rows:["2026-11-24","op-1"]'


def test_fingerprint_and_accepted_field_are_json() -> None:
    fingerprint = Fingerprint(
        fold=1, timezone="UTC", day_end="24:00", retention_days=92, topic="t", partitions=8
    )
    assert fingerprint.encode() == (
        '{"fold":1,"timezone":"UTC","day_end":"24:00","retention_days":92,"topic":"t","partitions":8}'
    )
    assert accepted_field("t", 3) == '["t",3]'
