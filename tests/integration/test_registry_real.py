"""The main path against a registry that we have not written: Apicurio."""
import pytest

from apicurio import Apicurio
from ledger import assert_once, assert_refused, fill, wait_for_numbers
from test_registry import avro, lines  # noqa: F401 (a fixture)

CONFIG = 2

pytestmark = pytest.mark.skipif(not Apicurio.is_installed(), reason="deploy/deps.sh --only registry")


@pytest.fixture(scope="module")
def apicurio():
    own = Apicurio()
    own.start()
    yield own
    own.close()


@pytest.mark.parametrize("strategy", ["topic", "record", "topic-record"])
def test_rows_are_read_with_its_schemas(database, avro, reader, apicurio, strategy):  # noqa: F811
    fill(database, 1)
    run = avro(apicurio, **{"schema_registry.subjects": strategy})
    run.start()
    wait_for_numbers(run, lines(reader, apicurio), [1])
    database.execute("ALTER TABLE item ADD more numeric(10,2) DEFAULT 1.5, ADD at timestamptz")
    database.execute("INSERT INTO item VALUES (2, 'x', 2.25, now())")
    wait_for_numbers(run, lines(reader, apicurio), [1, 2])
    assert run.terminate() == 0
    run.start()  # everything is looked up now
    database.execute("INSERT INTO item VALUES (3, 'y', 4.25, now())")
    assert_once(run, lines(reader, apicurio), [1, 2, 3])
    subjects = {"topic": "{0}.public.item-value", "record": "{0}.public.item.Envelope",
                "topic-record": "{0}.public.item-{0}.public.item.Envelope"}
    assert len(apicurio.versions(subjects[strategy].format(database.prefix))) == 2


def test_it_refuses(database, avro, reader, apicurio):  # noqa: F811
    fill(database, 1)
    run = avro(apicurio)
    run.start()
    wait_for_numbers(run, lines(reader, apicurio), [1])
    subject = f"{database.prefix}.public.item-value"
    apicurio.set_compatibility(subject, "BACKWARD")
    database.execute("ALTER TABLE item ADD must text NOT NULL DEFAULT lower('X')")
    database.execute("ALTER TABLE item ALTER note TYPE int USING 7, ALTER note SET NOT NULL")
    database.execute("INSERT INTO item VALUES (2, 8, 'x')")
    assert_refused(run, CONFIG, f"subject {subject}", "refuses the new schema, in which column ",
                   "change the table or the subject's compatibility", "it says: ")
    apicurio.set_compatibility(subject, "NONE")
    assert_once(run, lines(reader, apicurio), [1, 2])
