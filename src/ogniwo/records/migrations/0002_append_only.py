"""Facts are never edited: the database itself refuses to change or delete what was calculated, issued or logged."""

from django.db import migrations

from ogniwo.records.append_only import append_only

APPEND_ONLY = ("records_invoicerecord", "records_settlementrun", "records_statementrecord", "records_auditevent")


def add_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE FUNCTION ogniwo_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
            "END $$",
            params=(),
        )


def drop_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION ogniwo_append_only()")


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]
    operations = [migrations.RunPython(add_function, drop_function), append_only(*APPEND_ONLY)]
