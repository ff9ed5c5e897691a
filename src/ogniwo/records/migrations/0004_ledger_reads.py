"""Privileged reads of the ledger, in a table that the database keeps from being changed."""

from django.db import migrations, models

TABLE = "records_ledgerread"


def add_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION ogniwo_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        )


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER {TABLE}_append_only ON {TABLE}")
        return
    for verb in ("update", "delete"):
        schema_editor.execute(f"DROP TRIGGER {TABLE}_no_{verb}")


class Migration(migrations.Migration):
    dependencies = [("records", "0003_econtracts")]
    operations = [
        migrations.CreateModel(
            name="LedgerRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("account", models.CharField(max_length=200)),
                ("path", models.CharField(max_length=2000)),
                ("scope", models.CharField(max_length=12)),
                ("reason", models.CharField(blank=True, max_length=64)),
            ],
            options={"ordering": ("at", "id")},
        ),
        migrations.RunPython(add_triggers, drop_triggers),
    ]
