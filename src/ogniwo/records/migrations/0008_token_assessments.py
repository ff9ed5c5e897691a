"""Assessments of findings on payment tokens, in a table that the database keeps from being changed."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = "records_tokenassessment"


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
    dependencies = [("records", "0007_group_purchases")]
    operations = [
        migrations.CreateModel(
            name="TokenAssessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=64)),
                ("findings", models.JSONField()),
                (
                    "decision",
                    models.CharField(
                        choices=[("explained", "explained"), ("measures", "measures"), ("reported", "reported")],
                        max_length=9,
                    ),
                ),
                ("note", models.TextField()),
                ("reference", models.TextField(blank=True)),
                ("decided_by", models.TextField()),
                ("decided_at", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="token_assessments",
                        to="records.organisation",
                    ),
                ),
            ],
            options={"ordering": ("decided_at", "id")},
        ),
        migrations.RunPython(add_triggers, drop_triggers),
    ]
