"""Tables of facts: the database itself refuses to change or delete a row, whoever asks. For migrations."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps


def append_only(*tables: str) -> RunPython:
    """The step of a migration after which rows of these tables can only be added; undone, they can be changed again.

    PostgreSQL needs the function that `0002_append_only` makes. Raises RuntimeError for another kind of database.
    """

    def add(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        vendor = editor.connection.vendor
        for table in tables:
            if vendor == "postgresql":
                editor.execute(
                    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION ogniwo_append_only()"
                )
            elif vendor == "sqlite":
                for verb in ("UPDATE", "DELETE"):
                    editor.execute(
                        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    )
            else:
                raise RuntimeError(f"Ogniwo runs on SQLite and PostgreSQL, not on {vendor}")

    def drop(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            if editor.connection.vendor == "postgresql":
                editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            else:
                for verb in ("update", "delete"):
                    editor.execute(f"DROP TRIGGER {table}_no_{verb}")

    return RunPython(add, drop)
