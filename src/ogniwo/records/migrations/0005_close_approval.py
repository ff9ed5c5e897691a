"""A second person's approval of a settlement: one row per run, never changed."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = "records_closeapproval"


def add_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
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
    dependencies = [("records", "0004_ledger_reads")]

    operations = [
        migrations.CreateModel(
            name="CloseApproval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("inputs_digest", models.CharField(max_length=64)),
                ("prepared_by", models.CharField(max_length=150)),
                ("approved_by", models.CharField(max_length=150)),
                ("approved_at", models.DateTimeField()),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="records.settlementrun",
                    ),
                ),
            ],
            options={
                "ordering": ("approved_at", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("approved_by", models.F("prepared_by")), _negated=True),
                        name="approved_by_a_second_person",
                    )
                ],
            },
        ),
        migrations.RunPython(add_triggers, drop_triggers),
    ]
